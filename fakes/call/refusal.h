/*
 * refusal: the end of every call that failed.
 *
 * All statuses leave this library through call_finish(), which comes here. So
 * this is where the thread's last error is kept, and where a text is
 * demanded: a call that left none gets the meaning of its code, and is listed
 * in the readout "unexplained", for the code says less than the place could.
 */
#ifndef FAKE_REFUSAL_H
#define FAKE_REFUSAL_H

#include "base/text.h"
#include "call/calls.h"

/* The calls that left no text of their own, as JSON lines, one a function. */
void refusals_read(Text *text);

#endif
