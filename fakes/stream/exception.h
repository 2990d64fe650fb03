/*
 * exception: the callbacks that are told when a task fails on a device.
 *
 * The callbacks run on the thread that ran the task, before a wait for the
 * task returns. They are given an object that dies when they return. The last
 * failures are remembered for aclmdlCreateAndGetOpDesc().
 */
#ifndef FAKE_EXCEPTION_H
#define FAKE_EXCEPTION_H

#include "stream/stream.h"

/*
 * Tells the callbacks that a task failed with a status, of which text, which
 * may be NULL, says more. The lock is not held.
 */
void exception_report(const Stream *stream, const Task *task, int status, const char *text);

/* The same of a synchronous execution, which has no stream of the user's. */
void exception_report_sync(int device, uint32_t model, int status);

/* What is remembered of a task that failed. */
typedef struct Failed {
    uint32_t device;
    uint32_t stream;
    uint32_t task;
    uint32_t model;             /* id, or 0 */
    char operator_name[128];
} Failed;

/* Finds a failure again. False: forgotten, or it never was. */
bool exception_find(uint32_t device, uint32_t stream, uint32_t task, Failed *failed);

#endif
