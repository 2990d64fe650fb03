/*
 * device: which devices are set.
 *
 * A device that is set has one primary context, shared by all threads; it is
 * born with the first aclrtSetDevice and dies with the last
 * aclrtResetDevice.
 */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include "call/keepers.h"
#include "runtime/context.h"

/* 0, or 107001 with a message: there is no such device. */
int device_check(int device);

/* Has a device that there is a primary context? */
bool device_is_set(int device);

/* Gives threads without a context that device; -1: none again. */
int device_make_default(int device);

#endif
