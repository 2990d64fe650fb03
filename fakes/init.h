/*
 * init: whether aclInit was called.
 */
#ifndef FAKE_INIT_H
#define FAKE_INIT_H

#include <stdbool.h>

/* Is the graph engine's executor initialised? */
bool engine_initialised(void);

/* Nobody ever called aclInit. */
void init_reset(void);

#endif
