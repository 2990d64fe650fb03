/*
 * ranges: an operator of the program's own, between aclprofRangePushEx and
 * aclprofRangePop, with its tensors (facts 12.5).
 *
 * What a push points to is read at once: nothing of it need be there at the
 * pop. Each thread has a stack of what it pushed.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/acl.h"
#include "base/locks.h"
#include "base/now.h"
#include "base/text.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/record.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "profile/names.h"
#include "profile/profiler.h"
#include "runtime/stream_need.h"

enum { TEXT_SIZE = 1024, NAME_SIZE = 128, SHAPE_DIMS = 8 };

typedef struct Range {
    struct Range *next;
    long thread;
    uint64_t start_ns;
    char text[TEXT_SIZE];       /* what is longer is cut */
} Range;

static struct {
    pthread_mutex_t lock;
    Range *ranges;              /* the last first */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static int check_tensors(const aclprofTensorInfo *info)
{
    if (info->tensorNum == 0)
        return E_NONE;
    if (info->tensors == NULL)
        return refuse(PROF_FAILED, "tensors is NULL, and tensorNum %u", info->tensorNum);
    if (host_check(info->tensors, "tensors") != E_NONE)
        return violation_status();
    for (uint32_t i = 0; i < info->tensorNum; i++)
        if (info->tensors[i].shapeDim > SHAPE_DIMS)
            return refuse(PROF_FAILED, "shapeDim of tensor %u is %u; up to %d are right", i,
                          info->tensors[i].shapeDim, SHAPE_DIMS);
    return E_NONE;
}

static int check_attributes(const aclprofEventAttributes *attr)
{
    Stream *stream = NULL;

    if (attr == NULL)
        return refuse(E_PARAM, "attr is NULL");
    if (host_check(attr, "attr") != E_NONE)
        return violation_status();
    if (attr->messageType != ACL_PROF_MESSAGE_TYPE_TENSOR_INFO)
        return refuse(PROF_FAILED, "messageType is %u; ACL_PROF_MESSAGE_TYPE_TENSOR_INFO is right",
                      attr->messageType);
    const aclprofTensorInfo *info = attr->message.tensorInfo;
    if (info == NULL)
        return refuse(PROF_FAILED, "message.tensorInfo is NULL");
    if (host_check(info, "message.tensorInfo") != E_NONE)
        return violation_status();
    if (stream_need(info->stream, "stream", &stream) != E_NONE)
        return PROF_FAILED;
    return check_tensors(info);
}

/* "type name, 24 blocks, in 1[2, 3], out 0[2]": tensors by their data types. */
static void describe(const aclprofTensorInfo *info, Text *text)
{
    char name[NAME_SIZE];
    char type[NAME_SIZE];

    name_copy(info->opNameId, name, sizeof name);
    name_copy(info->opTypeId, type, sizeof type);
    text_add(text, "%s %s, %u blocks", type, name, info->blockNums);
    for (uint32_t i = 0; i < info->tensorNum; i++) {
        const aclprofTensor *tensor = &info->tensors[i];
        text_add(text, ", %s %u[", tensor->type == 0 ? "in" : "out", tensor->dataType);
        for (uint32_t k = 0; k < tensor->shapeDim; k++)
            text_add(text, "%s%u", k == 0 ? "" : ", ", tensor->shape[k]);
        text_add(text, "]");
    }
}

aclError aclprofRangePushEx(aclprofEventAttributes *attr)
{
    ENTER(aclprofRangePushEx, "attr=%p", (void *)attr);
    int status = check_attributes(attr);
    if (status != E_NONE)
        LEAVE(status);
    Range *made = calloc(1, sizeof *made);
    if (made == NULL)
        LEAVE(refuse(PROF_FAILED, "no memory for a range"));
    Text text = text_in(made->text, sizeof made->text);
    describe(attr->message.tensorInfo, &text);
    made->thread = syscall(SYS_gettid);
    made->start_ns = now_ns();
    pthread_mutex_lock(&state.lock);
    made->next = state.ranges;
    state.ranges = made;
    pthread_mutex_unlock(&state.lock);
    LEAVE(E_NONE);
}

/* Takes the last range of a thread, or NULL. */
static Range *take(long thread)
{
    pthread_mutex_lock(&state.lock);
    Range **at = &state.ranges;
    while (*at != NULL && (*at)->thread != thread)
        at = &(*at)->next;
    Range *found = *at;
    if (found != NULL)
        *at = found->next;
    pthread_mutex_unlock(&state.lock);
    return found;
}

aclError aclprofRangePop(void)
{
    ENTER(aclprofRangePop, NO_ARGS);
    Range *range = take(syscall(SYS_gettid));
    if (range == NULL)
        LEAVE(refuse(E_PARAM, "this thread has pushed no range that was not popped"));
    record_tell(&(Record){
        .kind = RECORD_MARK,
        .seq = call_origin().seq,
        .device = -1,
        .start_ns = range->start_ns,
        .ns = now_ns() - range->start_ns,
        .text = range->text,
        .type = "range_ex",
    });
    free(range);
    LEAVE(E_NONE);
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    while (state.ranges != NULL) {
        Range *first = state.ranges;
        state.ranges = first->next;
        free(first);
    }
    pthread_mutex_unlock(&state.lock);
}

KEEPER(KEEPER_RANGES, forget_all, NULL)
