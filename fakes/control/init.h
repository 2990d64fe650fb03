/*
 * init: whether aclInit was called.
 */
#ifndef FAKE_INIT_H
#define FAKE_INIT_H

#include <stdbool.h>

/*
 * Is the graph engine's executor initialised? 0, or 145001 with what is
 * missing: aclInit, or an environment that it does not refuse.
 */
int engine_needed(void);

/* Was aclInit called, and not taken back? */
bool init_is_done(void);

#endif
