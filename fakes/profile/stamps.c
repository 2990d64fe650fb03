/*
 * stamps: marks that the program makes, and the spans between two of them.
 *
 * A stamp is taken while a start with ACL_PROF_MSPROFTX runs; what fails is
 * told by -1 (facts 12.5). Each thread has a stack of what it pushed.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/acl.h"
#include "base/locks.h"
#include "base/now.h"
#include "call/calls.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/record.h"
#include "call/violations.h"
#include "memory/host_memory.h"
#include "memory/objects.h"
#include "profile/profiler.h"
#include "runtime/stream_need.h"

enum { MESSAGE_SIZE = 128 };

typedef struct Stamp {
    char message[MESSAGE_SIZE];
    uint64_t start_ns;
} Stamp;

/* A stamp that was pushed, or that a range began with. */
typedef struct Span {
    struct Span *next;
    const void *stamp;          /* handle */
    long thread;                /* that pushed it; 0: a range */
    uint32_t range;             /* id, from 1 on */
} Span;

static struct {
    pthread_mutex_t lock;
    Span *spans;                /* the last first */
    uint32_t ranges;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

HELD_OVER_FORK(state.lock)

static int check_taken(void)
{
    return profiler_takes_marks()
               ? E_NONE
               : refuse(PROF_FAILED, "no aclprofStart with ACL_PROF_MSPROFTX runs");
}

/* A stamp's body: 0, or a status. */
static int find(const void *handle, Stamp **stamp)
{
    if (handle == NULL)
        return refuse(PROF_FAILED, "stamp is NULL");
    *stamp = object_find(handle, KIND_PROF_STAMP, "stamp");
    return *stamp != NULL ? E_NONE : violation_status();
}

static int find_taken(const void *handle, Stamp **stamp)
{
    int status = check_taken();

    return status == E_NONE ? find(handle, stamp) : status;
}

void *aclprofCreateStamp(void)
{
    ENTER_AS(aclprofCreateStamp, NULL, NO_ARGS);
    void *handle = NULL;
    call.status = check_taken();
    if (call.status != E_NONE)
        return NULL;
    if (object_new(KIND_PROF_STAMP, sizeof(Stamp), NULL, NULL, &handle) == NULL)
        call.status = E_BAD_ALLOC;
    return handle;
}

static void span_drop(Span **at)
{
    Span *span = *at;

    *at = span->next;
    free(span);
}

void aclprofDestroyStamp(void *stamp)
{
    ENTER_AS(aclprofDestroyStamp, , "stamp=%p", stamp);
    if (stamp == NULL || !object_destroy(stamp, KIND_PROF_STAMP, "stamp"))
        return;
    pthread_mutex_lock(&state.lock);
    for (Span **at = &state.spans; *at != NULL;)
        if ((*at)->stamp == stamp)
            span_drop(at);
        else
            at = &(*at)->next;
    pthread_mutex_unlock(&state.lock);
}

aclError aclprofSetStampTraceMessage(void *stamp, const char *msg, uint32_t msgLen)
{
    ENTER(aclprofSetStampTraceMessage, "stamp=%p, msg=%p, msgLen=%u", stamp, (const void *)msg,
          msgLen);
    Stamp *found = NULL;
    int status = find(stamp, &found);
    if (status != E_NONE)
        LEAVE(status);
    if (msg == NULL)
        LEAVE(refuse(PROF_FAILED, "msg is NULL"));
    if (host_check(msg, "msg") != E_NONE)
        LEAVE(violation_status());
    if (msgLen >= MESSAGE_SIZE)
        LEAVE(refuse(PROF_FAILED, "msgLen is %u; it must be below %d", msgLen, MESSAGE_SIZE));
    size_t length = strnlen(msg, msgLen);
    memcpy(found->message, msg, length);
    found->message[length] = '\0';
    LEAVE(E_NONE);
}

static void tell(const char *type, const char *message, uint64_t start, uint64_t end)
{
    record_tell(&(Record){
        .kind = RECORD_MARK,
        .seq = call_origin().seq,
        .device = -1,
        .start_ns = start,
        .ns = end - start,
        .text = message,
        .type = type,
    });
}

aclError aclprofMark(void *stamp)
{
    ENTER(aclprofMark, "stamp=%p", stamp);
    Stamp *found = NULL;
    int status = find_taken(stamp, &found);
    if (status == E_NONE) {
        uint64_t now = now_ns();
        tell("mark", found->message, now, now);
    }
    LEAVE(status);
}

static int span_add(Stamp *stamp, const void *handle, long thread, uint32_t *range)
{
    Span *made = calloc(1, sizeof *made);

    if (made == NULL)
        return refuse(PROF_FAILED, "no memory for a span");
    made->stamp = handle;
    made->thread = thread;
    stamp->start_ns = now_ns();
    pthread_mutex_lock(&state.lock);
    if (thread == 0)
        made->range = ++state.ranges;
    made->next = state.spans;
    state.spans = made;
    if (range != NULL)
        *range = made->range;
    pthread_mutex_unlock(&state.lock);
    return E_NONE;
}

/* Ends the last span of a thread, or a range, and tells it. False: none. */
static bool span_end(long thread, uint32_t range, const char *type)
{
    const Stamp *stamp = NULL;

    pthread_mutex_lock(&state.lock);
    Span **at = &state.spans;
    while (*at != NULL && ((*at)->thread != thread || (*at)->range != range))
        at = &(*at)->next;
    bool there = *at != NULL;
    if (there) {
        stamp = object_peek((*at)->stamp, KIND_PROF_STAMP);
        span_drop(at);
    }
    pthread_mutex_unlock(&state.lock);
    if (stamp != NULL)
        tell(type, stamp->message, stamp->start_ns, now_ns());
    return there;
}

aclError aclprofPush(void *stamp)
{
    ENTER(aclprofPush, "stamp=%p", stamp);
    Stamp *found = NULL;
    int status = find_taken(stamp, &found);
    LEAVE(status != E_NONE ? status : span_add(found, stamp, syscall(SYS_gettid), NULL));
}

aclError aclprofPop(void)
{
    ENTER(aclprofPop, NO_ARGS);
    int status = check_taken();
    if (status == E_NONE && !span_end(syscall(SYS_gettid), 0, "push"))
        status = refuse(PROF_FAILED, "this thread has pushed no stamp that was not popped");
    LEAVE(status);
}

aclError aclprofRangeStart(void *stamp, uint32_t *rangeId)
{
    ENTER(aclprofRangeStart, "stamp=%p, rangeId=%p", stamp, (void *)rangeId);
    Stamp *found = NULL;
    int status = find_taken(stamp, &found);
    if (status != E_NONE)
        LEAVE(status);
    if (rangeId == NULL)
        LEAVE(refuse(PROF_FAILED, "rangeId is NULL"));
    if (host_check(rangeId, "rangeId") != E_NONE)
        LEAVE(violation_status());
    LEAVE(span_add(found, stamp, 0, rangeId));
}

aclError aclprofRangeStop(uint32_t rangeId)
{
    ENTER(aclprofRangeStop, "rangeId=%u", rangeId);
    int status = check_taken();
    if (status == E_NONE && (rangeId == 0 || !span_end(0, rangeId, "range")))
        status = refuse(PROF_FAILED, "rangeId %u is of no range that goes on", rangeId);
    LEAVE(status);
}

/* A mark in the order of a stream: the task's own record says when it was reached. */
static int mark_run(Task *task, Stream *stream)
{
    (void)task;
    (void)stream;
    return E_NONE;
}

static const TaskKind marking = {.run = mark_run};

static int check_mark(const char *msg, size_t length, const void *stream)
{
    int status = check_taken();

    if (status != E_NONE)
        return status;
    if (msg == NULL || stream == NULL)
        return refuse(PROF_FAILED, "%s is NULL", msg == NULL ? "msg" : "stream");
    if (host_check(msg, "msg") != E_NONE)
        return violation_status();
    if (strlen(msg) != length)
        return refuse(PROF_FAILED, "msgLen is %zu, and msg has %zu bytes", length, strlen(msg));
    if (length < 1 || length >= MESSAGE_SIZE)
        return refuse(PROF_FAILED, "msgLen is %zu; it must be from 1 to %d", length,
                      MESSAGE_SIZE - 1);
    return E_NONE;
}

aclError aclprofMarkEx(const char *msg, size_t msgLen, aclrtStream stream)
{
    ENTER(aclprofMarkEx, "msg=%p, msgLen=%zu, stream=%p", (const void *)msg, msgLen, stream);
    Stream *found = NULL;
    int status = check_mark(msg, msgLen, stream);
    if (status == E_NONE)
        status = stream_need(stream, "stream", &found);
    if (status != E_NONE)
        LEAVE(status);
    uint64_t now = now_ns();
    Task *made = task_new(sizeof *made, &marking);
    status = made != NULL ? stream_submit(found, made) : PROF_FAILED;
    if (status == E_NONE)
        tell("mark_ex", msg, now, now);
    LEAVE(status);
}

static void forget_all(void)
{
    pthread_mutex_lock(&state.lock);
    while (state.spans != NULL)
        span_drop(&state.spans);
    state.ranges = 0;
    pthread_mutex_unlock(&state.lock);
    profiler_take_marks(false);
}

KEEPER(KEEPER_STAMPS, forget_all, NULL)
