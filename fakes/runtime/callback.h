/*
 * callback: functions of the user that a stream calls.
 *
 * aclrtLaunchCallback() leaves a report for the thread that is subscribed to
 * the stream, which runs it inside aclrtProcessReport(); the stream goes on
 * at once, or blocks until that was done. aclrtLaunchHostFunc() lets the
 * stream's own worker call. Inside either, most of AscendCL is forbidden.
 */
#ifndef FAKE_CALLBACK_H
#define FAKE_CALLBACK_H

#include "runtime/stream.h"

/*
 * May the function be called by what runs now on this thread? 0, or the
 * status of a violation.
 */
int callback_check(FunctionId function);

/* Calls the user's function, inside which the check above says no. */
void callback_call(void (*function)(void *), void *argument);

/* Nothing was ever launched. */
void callbacks_reset(void);

#endif
