/*
 * initialised: whether aclInit was called.
 */
#ifndef FAKE_INITIALISED_H
#define FAKE_INITIALISED_H

#include <stdbool.h>
#include <stdint.h>

#include "call/functions.h"

/*
 * Is the graph engine's executor initialised? 0, or 145001 with what is
 * missing: aclInit, or an environment that it does not refuse.
 */
int engine_needed(void);

/* Was aclInit called, and not taken back? */
bool init_is_done(void);

/* aclInit began, or a call has ended what it began. */
void init_begins(Origin by);
void init_ends(Origin by);

/* What aclInit refuses to begin with; NULL: nothing. Stays the caller's. */
void init_complain(const char *complaint);
const char *init_complaint(void);

/* Refuses for want of an aclInit, and names the call that ended it. */
int refuse_uninitialised(int code);

/* Refuses a second aclInit, the count of which is told. */
int refuse_again(uint64_t count);

#endif
