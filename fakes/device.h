/*
 * device: which devices are set, and which context is current on a thread.
 *
 * A context is an object (objects.h). A device that is set has one primary
 * context, shared by all threads; it is born with the first aclrtSetDevice
 * and dies with the last aclrtResetDevice. A thread holds two handles: the
 * context it chose, and the primary of the device it set last, to which it
 * falls back when its choice dies.
 */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include "live.h"

/* The living context of this thread, or NULL. */
const void *context_current(void);

/* Its device, or -1. */
int context_device(void);

/* 0, or 107002 with a message, when the thread has no current context. */
int context_needed(void);

/* Gives threads without a context that device; -1: none again. */
int device_make_default(int device);

/* Lists the devices that are set. */
void devices_live(LiveVisitor *visit, void *to);

/* No device is set, no thread has a context. */
void devices_reset(void);

#endif
