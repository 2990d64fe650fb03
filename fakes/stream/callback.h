/*
 * callback: functions of the user that a stream calls.
 *
 * A subscribed thread makes the call inside aclrtProcessReport(), or the
 * stream's own worker does (launch.c). Inside either, most of AscendCL is
 * forbidden.
 */
#ifndef FAKE_CALLBACK_H
#define FAKE_CALLBACK_H

/* Calls the user's function, inside which calls are watched. */
void callback_call(void (*function)(void *), void *argument);

/* A function was launched: calls are watched from now on. */
void callbacks_begin(void);

#endif
