/*
 * subscribe: operators of a model's runs, into a pipe of the program's
 * (facts 12.3).
 *
 * The profiler closes the pipe's end with the last subscription that uses it,
 * so that the reader comes to its end, and leaves -1 where the program keeps
 * the descriptor, as CANN does.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/acl.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/record.h"
#include "call/violations.h"
#include "model/models.h"
#include "profile/config.h"
#include "profile/pipe.h"
#include "profile/profiler.h"

typedef struct Subscription {
    Sink sink;                  /* first: a sink is its subscription */
    struct Subscription *next;
    uint32_t model;
    int device;
    SubscribeConfig config;
    int fd;                     /* as it was at the subscription */
} Subscription;

static Subscription *subscriptions; /* under the profiler's lock */

static bool wants(const Sink *sink, const Record *record)
{
    return record->model == ((const Subscription *)sink)->model;
}

static void take(Sink *sink, const Record *record)
{
    OpDesc desc;

    if (op_desc_make(record, &desc))
        pipe_queue(((Subscription *)sink)->fd, &desc);
}

static Subscription *find(uint32_t model)
{
    Subscription *found = subscriptions;

    while (found != NULL && found->model != model)
        found = found->next;
    return found;
}

static int check_way(void)
{
    if (profiler_mode() != PROFILER_FILES)
        return profiler_check_configured();
    return refuse(E_PROF_OTHER_WAY, "aclprofInit was called, and aclprofFinalize was not");
}

/* The device of a loaded model: 0, or 100011. */
static int device_of(uint32_t id, int *device)
{
    Model *model = model_hold(id);

    if (model == NULL)
        return refuse(E_MODEL_ID, "%u is no loaded model", id);
    *device = model->device;
    model_let_go(model);
    return E_NONE;
}

/* All subscriptions of a device ask for the same. */
static int check_alike(const SubscribeConfig *config, int device)
{
    for (const Subscription *one = subscriptions; one != NULL; one = one->next)
        if (one->device == device &&
            (one->config.times != config->times || one->config.metrics != config->metrics))
            return refuse(E_PROF_CONFIG,
                          "timeInfoSwitch %d and aicoreMetrics %d are not those of model %u on the "
                          "same device, %d and %d",
                          config->times, config->metrics, one->model, one->config.times,
                          one->config.metrics);
    return E_NONE;
}

static int check_new(uint32_t model, const SubscribeConfig *config, int device)
{
    if (!config->times && config->metrics == ACL_AICORE_NONE)
        return refuse(E_PARAM, "timeInfoSwitch is 0 and aicoreMetrics ACL_AICORE_NONE: nothing "
                               "is asked for");
    if (find(model) != NULL)
        return refuse(E_PROF_SUBSCRIBED, "model %u is subscribed to", model);
    return check_alike(config, device);
}

static int subscribe(uint32_t model, const SubscribeConfig *config)
{
    int device = 0;
    int status = check_way();

    if (status == E_NONE)
        status = device_of(model, &device);
    if (status == E_NONE)
        status = check_new(model, config, device);
    if (status != E_NONE)
        return status;
    Subscription *made = calloc(1, sizeof *made);
    if (made == NULL || !pipe_begin()) {
        free(made);
        return refuse(E_PROF, "model %u cannot be subscribed to", model);
    }
    made->model = model;
    made->device = device;
    made->config = *config;
    made->fd = *config->fd;
    made->sink = (Sink){.kinds = RECORD_OP, .wants = wants, .take = take};
    made->next = subscriptions;
    subscriptions = made;
    profiler_set_mode(PROFILER_PIPES);
    sink_add(&made->sink);
    return E_NONE;
}

aclError aclprofModelSubscribe(uint32_t modelId, const aclprofSubscribeConfig *profSubscribeConfig)
{
    ENTER(aclprofModelSubscribe, "modelId=%u, profSubscribeConfig=%p", modelId,
          (const void *)profSubscribeConfig);
    if (profSubscribeConfig == NULL)
        LEAVE(refuse(E_PARAM, "profSubscribeConfig is NULL"));
    const SubscribeConfig *config = subscribe_config_find(profSubscribeConfig);
    if (config == NULL)
        LEAVE(violation_status());
    profiler_lock();
    int status = subscribe(modelId, config);
    profiler_unlock();
    LEAVE(status);
}

/* Takes a subscription out: from now on no record of it is queued. */
static void take_out(Subscription *subscription)
{
    Subscription **at = &subscriptions;

    while (*at != subscription)
        at = &(*at)->next;
    *at = subscription->next;
    sink_remove(&subscription->sink);
    if (subscriptions == NULL)
        profiler_set_mode(PROFILER_OFF);
}

static bool is_used(int fd)
{
    for (const Subscription *one = subscriptions; one != NULL; one = one->next)
        if (one->fd == fd)
            return true;
    return false;
}

/* The program may have let the descriptor's memory go; only its own number is taken. */
static void close_pipe(const Subscription *subscription)
{
    close(subscription->fd);
    if (*subscription->config.fd == subscription->fd)
        *subscription->config.fd = -1;
}

/*
 * Without the lock while the pipe is written: the reader may call the
 * profiler, too. Who is the last is settled before that:
 *
 *  1. T1 takes out model 1, T2 model 2, which have the same pipe.
 *  2. T1 and T2 see all of it written.
 *  3. T1 closes the pipe, and the program opens a file with its number.
 *  4. T2 would close that file.
 */
static int unsubscribe(uint32_t model)
{
    int status = check_way();
    Subscription *found = status == E_NONE ? find(model) : NULL;

    if (status != E_NONE)
        return status;
    if (found == NULL)
        return refuse(E_MODEL_ID, "model %u is not subscribed to", model);
    take_out(found);
    bool last = !is_used(found->fd);
    profiler_unlock();
    bool whole = pipe_flush(found->fd);
    profiler_lock();
    if (last && !is_used(found->fd))
        close_pipe(found);
    if (!whole)
        status = refuse(E_PROF, "the pipe %d was not read for 5 s: records of model %u are lost",
                        found->fd, model);
    free(found);
    return status;
}

aclError aclprofModelUnSubscribe(uint32_t modelId)
{
    ENTER(aclprofModelUnSubscribe, "modelId=%u", modelId);
    profiler_lock();
    int status = unsubscribe(modelId);
    profiler_unlock();
    LEAVE(status);
}

/* The pipes stay the program's. */
static void forget_all(void)
{
    profiler_lock();
    while (subscriptions != NULL) {
        Subscription *first = subscriptions;
        take_out(first);
        free(first);
    }
    pipe_forget();
    profiler_unlock();
}

KEEPER(KEEPER_SUBSCRIPTIONS, forget_all, NULL)
