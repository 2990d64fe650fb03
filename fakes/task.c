#include "task.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "message.h"

void *task_new(size_t size, int (*run)(Task *task, Stream *stream),
               void (*release)(Task *task))
{
    Task *task = calloc(1, size);

    if (task == NULL) {
        refuse(E_BAD_ALLOC, "no memory for a task");
        return NULL;
    }
    task->made = call_origin();
    task->thread = syscall(SYS_gettid);
    task->failure = E_RT_INTERNAL;
    task->run = run;
    task->release = release;
    return task;
}

static bool claims_grow(Task *task)
{
    if (task->claims < task->claims_room)
        return true;
    size_t room = task->claims_room == 0 ? 4 : task->claims_room * 2;
    Claim *claim = realloc(task->claim, room * sizeof *claim);
    if (claim == NULL)
        return false;
    task->claim = claim;
    task->claims_room = room;
    return true;
}

void task_claim(Task *task, ClaimKind kind, const void *start, size_t size,
                bool writes)
{
    if (size == 0)
        return;
    if (claims_grow(task))
        task->claim[task->claims++] =
            (Claim){kind, writes, (uintptr_t)start, size};
    else
        task->incomplete = true;
}

void task_strip(Task *task)
{
    if (task->release != NULL)
        task->release(task);
    task->release = NULL;
}

void task_free(Task *task)
{
    if (task == NULL)
        return;
    task_strip(task);
    free(task->claim);
    free(task);
}
