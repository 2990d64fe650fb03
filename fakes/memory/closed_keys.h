/*
 * closed_keys: keys of shared memory that this process has closed.
 *
 * The newest are remembered, so that a key closed twice is told from one that
 * nobody made.
 */
#ifndef FAKE_CLOSED_KEYS_H
#define FAKE_CLOSED_KEYS_H

#include "call/functions.h"

/* Remembers a key that the running call closes, and the call that made it. */
void key_closed(const char *key, Origin made);

/* What is wrong with a key that is not open here: the status of a violation. */
int key_complain(const char *key);

#endif
