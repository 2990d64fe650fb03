/*
 * fill: the checks and the filling that all fills of bytes share.
 */
#ifndef FAKE_FILL_H
#define FAKE_FILL_H

#include <stddef.h>
#include <stdint.h>

/* The checks of a fill, in ACL's order: 0, or a status. */
int fill_look(const void *devPtr, size_t maxCount, size_t count);

/* Fills; what became wrong since the look is a violation. */
int fill_move(void *devPtr, int32_t value, size_t count);

#endif
