/*
 * context: which context is current on a thread.
 *
 * A context is an object (objects.h). A thread holds two handles: the
 * context it chose, and the primary of the device it set last, to which it
 * falls back when its choice dies. A configuration may name a device whose
 * context is current where a thread has neither.
 */
#ifndef FAKE_CONTEXT_H
#define FAKE_CONTEXT_H

#include <stdbool.h>

typedef struct Context {
    int device;
    bool primary;
} Context;

/* The living context behind a handle, or NULL; NULL is none. */
const Context *context_at(const void *handle);

/* The living context of this thread, or NULL. */
const void *context_current(void);

/* Its device, or -1. */
int context_device(void);

/* 0, or 107002 with a message, when the thread has no current context. */
int context_needed(void);

/*
 * Makes a context of a device: the primary one, which an owner destroys, or
 * with owner NULL a user's. Its handle, or NULL without memory.
 */
void *context_new(int device, const void *owner);

/* A thread set a device: its context is what the thread falls back to. */
void context_use_primary(const void *context);

/* A thread chose a context. */
void context_choose(const void *context);

/* What is current where a thread has none; NULL: nothing. */
void context_fall_back(const void *context);

/* No thread has a context. */
void contexts_reset(void);

#endif
