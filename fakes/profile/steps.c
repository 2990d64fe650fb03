/*
 * steps: when a stream begins and ends a step of the program (facts 12.6).
 */
#include <stdatomic.h>
#include <stdio.h>

#include "base/acl.h"
#include "base/now.h"
#include "call/calls.h"
#include "call/message.h"
#include "call/record.h"
#include "call/violations.h"
#include "memory/objects.h"
#include "runtime/stream_need.h"

typedef struct Step {
    atomic_bool started;
    atomic_bool ended;
    uint64_t number;
} Step;

typedef struct Stamping {
    Task task;
    uint64_t number;
    bool starts;
} Stamping;

static atomic_uint_fast64_t numbers;

static int stamp_run(Task *task, Stream *stream)
{
    const Stamping *stamping = (const Stamping *)task;
    char text[48];

    snprintf(text, sizeof text, "step %llu", (unsigned long long)stamping->number);
    record_tell(&(Record){
        .kind = RECORD_MARK,
        .seq = task->made.seq,
        .task = task->seq,
        .stream = stream->serial,
        .device = stream->device,
        .start_ns = now_ns(),
        .text = text,
        .type = stamping->starts ? "step_start" : "step_end",
    });
    return E_NONE;
}

static const TaskKind stamping_kind = {.run = stamp_run};

aclprofStepInfo *aclprofCreateStepInfo(void)
{
    ENTER_AS(aclprofCreateStepInfo, NULL, NO_ARGS);
    void *handle = NULL;
    Step *made = object_new(KIND_PROF_STEP, sizeof *made, NULL, NULL, &handle);
    if (made == NULL)
        call.status = E_BAD_ALLOC;
    else
        made->number = 1 + atomic_fetch_add(&numbers, 1);
    return handle;
}

void aclprofDestroyStepInfo(aclprofStepInfo *stepinfo)
{
    ENTER_AS(aclprofDestroyStepInfo, , "stepinfo=%p", (void *)stepinfo);
    if (stepinfo == NULL)
        message_add("aclprofDestroyStepInfo: stepinfo is NULL");
    else
        object_destroy(stepinfo, KIND_PROF_STEP, "stepinfo");
}

static int queue(Stream *stream, uint64_t number, bool starts)
{
    Stamping *made = task_new(sizeof *made, &stamping_kind);

    if (made == NULL)
        return E_GE;
    made->number = number;
    made->starts = starts;
    return stream_submit(stream, &made->task) == E_NONE ? E_NONE : E_GE;
}

/* The stamp counts as given even where the stream is then refused. */
aclError aclprofGetStepTimestamp(aclprofStepInfo *stepInfo, aclprofStepTag tag, aclrtStream stream)
{
    ENTER(aclprofGetStepTimestamp, "stepInfo=%p, tag=%d, stream=%p", (void *)stepInfo, (int)tag,
          stream);
    Stream *found = NULL;
    bool starts = tag == ACL_STEP_START;
    if (stepInfo == NULL)
        LEAVE(refuse(E_PARAM, "stepInfo is NULL"));
    Step *step = object_find(stepInfo, KIND_PROF_STEP, "stepInfo");
    if (step == NULL)
        LEAVE(violation_status());
    if (atomic_exchange(starts ? &step->started : &step->ended, true))
        LEAVE(refuse(E_PARAM, "step %llu has %s before", (unsigned long long)step->number,
                     starts ? "started" : "ended"));
    if (stream_need(stream, "stream", &found) != E_NONE)
        LEAVE(E_GE);
    LEAVE(queue(found, step->number, starts));
}
