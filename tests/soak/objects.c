/*
 * Lives of objects of every kind that fakes/memory/kinds.h lists, beside each other:
 * some have an owner, some die with one, and streams and events go through the
 * hands of their threads.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lock_order.h"
#include "soak.h"

enum { BATCH = 32, LIMIT_MS = 60000 };

static uint32_t failing;        /* a model whose execution fails */
static atomic_ullong exceptions;

static aclrtContext enter_context(void)
{
    aclrtContext own = NULL;

    must(aclrtCreateContext(&own, 0), "create context");
    return own;
}

/* A context whose default stream ends with it, and one without. */
static void contexts(void)
{
    aclrtContext before = NULL;

    must(aclrtGetCurrentContext(&before), "current context");
    for (int i = 0; i < BATCH; i++) {
        aclrtContext own = enter_context();
        if (i == 0)
            must(aclrtSynchronizeStream(NULL), "synchronise");
        must(aclrtDestroyContext(own), "destroy context");
    }
    must(aclrtSetCurrentContext(before), "set context");
}

/* With a buffer, and a description that is the dataset's own. */
static void datasets(void)
{
    static const int64_t dims[] = {ROWS};

    for (int i = 0; i < BATCH; i++) {
        aclmdlDataset *dataset = aclmdlCreateDataset();
        aclDataBuffer *buffer = aclCreateDataBuffer(&failing, sizeof failing);
        aclTensorDesc *desc = aclCreateTensorDesc(ACL_FLOAT, 1, dims,
                                                  ACL_FORMAT_ND);
        must(aclmdlAddDatasetBuffer(dataset, buffer), "add buffer");
        must(aclmdlSetDatasetTensorDesc(dataset, desc, 0), "describe");
        aclDestroyTensorDesc(desc);
        must(aclmdlDestroyDataset(dataset), "destroy dataset");
        must(aclDestroyDataBuffer(buffer), "destroy buffer");
    }
}

static void model_descs(void)
{
    for (int i = 0; i < BATCH; i++) {
        aclmdlDesc *desc = aclmdlCreateDesc();
        must(aclmdlGetDesc(desc, failing), "describe a model");
        must(aclmdlDestroyDesc(desc), "destroy description");
    }
}

static void configs(void)
{
    for (int i = 0; i < BATCH; i++)
        must(aclmdlDestroyConfigHandle(aclmdlCreateConfigHandle()),
             "destroy configuration");
}

static void exec_configs(void)
{
    for (int i = 0; i < BATCH; i++)
        must(aclmdlDestroyExecConfigHandle(aclmdlCreateExecConfigHandle()),
             "destroy configuration");
}

static void queries(void)
{
    for (int i = 0; i < BATCH; i++)
        must(aclmdlBundleDestroyQueryInfo(aclmdlBundleCreateQueryInfo()),
             "destroy query");
}

/* No callback may run under a lock of the library. */
static void count_call(void *counter)
{
    lock_order_none("a callback under a lock");
    atomic_fetch_add((atomic_int *)counter, 1);
}

/* One stream works; the others are made and ended. */
static void streams(void)
{
    atomic_int calls = 0;

    for (int i = 0; i < BATCH; i++) {
        aclrtStream stream = NULL;
        must(aclrtCreateStream(&stream), "create stream");
        if (i == 0) {
            must(aclrtLaunchHostFunc(stream, count_call, &calls), "launch");
            must(aclrtSynchronizeStreamWithTimeout(stream, LIMIT_MS),
                 "synchronise");
        }
        must(i % 2 == 0 ? aclrtDestroyStream(stream)
                        : aclrtDestroyStreamForce(stream), "destroy stream");
    }
    if (calls != 1)
        fail("calls", calls, 1);
}

/* Marks of one stream that another waits for, in chains. */
static void events(void)
{
    aclrtEvent event[BATCH];
    aclrtStream stream[2] = {NULL, NULL};

    must(aclrtCreateStream(&stream[0]), "create stream");
    must(aclrtCreateStream(&stream[1]), "create stream");
    for (int i = 0; i < BATCH; i++) {
        must(aclrtCreateEvent(&event[i]), "create event");
        if (i % 8 != 0)
            continue;
        must(aclrtRecordEvent(event[i], stream[0]), "record");
        must(aclrtStreamWaitEvent(stream[1], event[i]), "wait");
    }
    must(aclrtSynchronizeEventWithTimeout(event[0], LIMIT_MS), "event");
    must(aclrtSynchronizeStreamWithTimeout(stream[1], LIMIT_MS), "stream");
    for (int i = 0; i < BATCH; i++)
        must(aclrtDestroyEvent(event[i]), "destroy event");
    must(aclrtDestroyStream(stream[0]), "destroy stream");
    must(aclrtDestroyStream(stream[1]), "destroy stream");
}

static void see_exception(aclrtExceptionInfo *info)
{
    lock_order_none("an exception callback under a lock");
    if (aclrtGetErrorCodeFromExceptionInfo(info) != 0)
        atomic_fetch_add(&exceptions, 1);
}

/* Each failing execution makes one and tells it; no mutex, see above. */
static void fail_executions(void)
{
    static atomic_flag turn = ATOMIC_FLAG_INIT;
    float values[ROWS] = {0};

    while (atomic_flag_test_and_set(&turn))
        sched_yield();
    Pair pair = pair_of(values);
    for (int i = 0; i < BATCH; i++)
        if (aclmdlExecute(failing, pair.input, pair.output) == 0)
            fail("an execution that should fail", 0, 1);
    aclGetRecentErrMsg();
    pair_end(&pair);
    atomic_flag_clear(&turn);
}

static const struct {
    const char *name;
    void (*live)(void);
} kinds[] = {
    {"context", contexts},        {"dataset", datasets},
    {"model description", model_descs}, {"load configuration", configs},
    {"execution configuration", exec_configs}, {"bundle query", queries},
    {"stream", streams},          {"event", events},
    {"exception info", fail_executions},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static atomic_ullong made[KINDS];

void objects_begin(uint32_t model)
{
    failing = model;
    must(aclrtSetExceptionInfoCallback(see_exception), "exception callback");
}

void objects_step(unsigned *seed)
{
    int i = rand_r(seed) % KINDS;

    kinds[i].live();
    atomic_fetch_add(&made[i], BATCH);
}

unsigned long long objects_least(void)
{
    unsigned long long least = atomic_load(&made[0]);

    for (int i = 1; i < KINDS; i++)
        if (atomic_load(&made[i]) < least)
            least = atomic_load(&made[i]);
    return least;
}

void objects_end(void)
{
    must(aclrtSetExceptionInfoCallback(NULL), "exception callback");
    if (atomic_load(&exceptions) != atomic_load(&made[KINDS - 1]))
        fail("exceptions", (double)atomic_load(&exceptions),
             (double)atomic_load(&made[KINDS - 1]));
}
