/*
 * faults: calls that shall fail, and calls that shall take their time.
 *
 * A fault fires on the nth call of its function from now on and is then
 * spent; n = 0 fires on every call. One more fault may stand for "*", which
 * counts every call that can fail, and one for "task", which counts what
 * runs on streams. Armed faults and latencies set their bit
 * in calls.watch; without them a call never comes here.
 */
#ifndef FAKE_FAULTS_H
#define FAKE_FAULTS_H

#include <stddef.h>
#include <stdint.h>

#include "call/calls.h"

/* Arms a fault; FUNCTION_COUNT stands for "*", code 0 disarms. */
void fault_arm(FunctionId function, uint64_t nth, int code);

/* The status the next task of any stream shall fail with, or 0. */
int fault_due_task(void);

/* Arms a fault of tasks: code 0 disarms. */
void fault_arm_task(uint64_t nth, int code);

/* Lets every call of function sleep; two zeros end that. */
void latency_set(FunctionId function, uint64_t fixed_ns, double ns_per_byte);

/* The nanoseconds that a call which moved so many bytes shall sleep, or 0. */
uint64_t latency_of(FunctionId function, size_t bytes);

/*
 * Sleeps what aclfakeLatency() asked of a call, once: at its end, or before,
 * where other threads must not see yet that the call is over.
 */
void call_sleep(Call *call);

/* No latencies. */
void latencies_reset(void);

#endif
