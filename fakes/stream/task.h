/*
 * task: what waits in a stream's queue.
 *
 * A task is made by the call that queues it, whose name and number go with
 * it: what a worker thread finds wrong later is reported as that call's. A
 * kind of task is a struct that begins with a Task, up to four functions, and
 * the claims it lays on whatever it touches.
 *
 *     Fill *fill = task_new(sizeof *fill, &filling);
 *     task_claim(&fill->task, CLAIM_MEMORY, address, count, true);
 *     LEAVE(stream_submit(stream, &fill->task));
 *
 * Claims outlive the run: until the host has waited for the task, the device
 * may still be at work for all that the host can know (order.h).
 */
#ifndef FAKE_TASK_H
#define FAKE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rows.h"
#include "call/calls.h"

typedef struct Stream Stream;
typedef struct Task Task;

typedef enum ClaimKind {
    CLAIM_MEMORY,               /* of a device, or pinned memory of the host */
    CLAIM_OBJECT,               /* a data buffer */
    CLAIM_DATASET,
    CLAIM_DESC,                 /* of a picture or channel */
    CLAIM_MODEL,
    CLAIM_VARIABLES,            /* the weights that a bundle shares */
    CLAIM_WORK,                 /* memory lent to a model: to work in, */
    CLAIM_WEIGHTS,              /* of constants, */
    CLAIM_AREA                  /* of variables (model_memory.h) */
} ClaimKind;

/* Addresses that others may not write meanwhile, or not even read. */
typedef struct Claim {
    ClaimKind kind;
    bool writes;
    Rows rows;
} Claim;

/*
 * What a kind of task does; all but run may be NULL. Each task comes to one
 * settle, under the streams' lock, and then to one release, without it.
 */
typedef struct TaskKind {
    /* The task itself: 0, or what went wrong. */
    int (*run)(Task *task, Stream *stream);
    /* Instead of run, when the task fails before it does anything: what
       waits for the task goes on. */
    void (*fail)(Task *task, Stream *stream, int status);
    /* The task is over, whether or not it ran: what others count of it. */
    void (*settle)(Task *task);
    /* Frees what the task owns. */
    void (*release)(Task *task);
} TaskKind;

struct Task {
    Task *next;
    uint64_t seq;               /* of all tasks of all streams */
    Origin made;
    long thread;                /* that queued it */
    size_t bytes;               /* moved: what latency per byte counts */
    uint64_t latency_ns;
    uint64_t queued_ns;
    bool waits;                 /* for another stream, and takes no time */
    bool computes;              /* inside ONNX Runtime, which minds an exit */
    uint32_t model;             /* id, 0: not an execution */
    int failure;                /* what a status turns into that is no 507xxx */
    Claim *claim;               /* owned */
    size_t claims;
    size_t claims_room;
    bool incomplete;            /* there was no memory for a claim */
    bool shared;                /* other processes see its claims (order_shared.h) */
    bool settled;
    bool stripped;
    const TaskKind *kind;
};

/*
 * A zeroed task of the running call, of size bytes; NULL after a message.
 * It is the caller's until stream_submit() takes it over.
 */
void *task_new(size_t size, const TaskKind *kind);

/* Claims a range; an empty one is nothing. */
void task_claim(Task *task, ClaimKind kind, const void *start, size_t size, bool writes);

/* The same of rows. */
void task_claim_rows(Task *task, ClaimKind kind, Rows rows, bool writes);

/* Frees what a task owns that will not run (again). Without the lock. */
void task_strip(Task *task);

/* Settles a task that is over. The streams' lock is held. */
void task_settle(Task *task);

/*
 * Frees a task; NULL is nothing. The streams' lock is held, so it is settled
 * now and goes when streams_unlock() has dropped the lock: a release is a
 * callback, and may take locks of its own.
 */
void task_free(Task *task);

/* For streams_unlock() alone: takes the tasks that are to go, frees them. */
Task *tasks_over(void);
void tasks_release(Task *first);

#endif
