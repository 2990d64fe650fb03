#include "stream/task.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call/message.h"
#include "memory/uses.h"

static Task *over;              /* guarded by the streams' lock */

void *task_new(size_t size, const TaskKind *kind)
{
    Task *task = calloc(1, size);

    if (task == NULL) {
        refuse(E_BAD_ALLOC, "no memory for a task");
        return NULL;
    }
    task->made = call_origin();
    task->thread = syscall(SYS_gettid);
    task->failure = E_RT_INTERNAL;
    task->kind = kind;
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

void task_claim(Task *task, ClaimKind kind, const void *start, size_t size, bool writes)
{
    task_claim_rows(task, kind, (Rows){(uintptr_t)start, size, 0, 0}, writes);
}

void task_claim_rows(Task *task, ClaimKind kind, Rows rows, bool writes)
{
    if (rows.size == 0)
        return;
    if (claims_grow(task))
        task->claim[task->claims++] = (Claim){kind, writes, rows};
    else
        task->incomplete = true;
}

void task_strip(Task *task)
{
    if (!task->stripped && task->kind->release != NULL)
        task->kind->release(task);
    task->stripped = true;
}

void task_settle(Task *task)
{
    if (!task->settled && task->kind->settle != NULL)
        task->kind->settle(task);
    task->settled = true;
}

void task_free(Task *task)
{
    if (task == NULL)
        return;
    task_settle(task);
    if (task->shared)
        uses_remove((uintptr_t)task);
    task->next = over;
    over = task;
}

Task *tasks_over(void)
{
    Task *first = over;

    over = NULL;
    return first;
}

void tasks_release(Task *first)
{
    while (first != NULL) {
        Task *task = first;
        first = task->next;
        task_strip(task);
        free(task->claim);
        free(task);
    }
}
