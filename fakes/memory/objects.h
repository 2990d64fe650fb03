/*
 * objects: every opaque pointer that a user holds.
 *
 * A handle is an address in a reserved range that can be neither read nor
 * written, so a program that dereferences a handle is stopped at once. The
 * table remembers the object's kind, its owner, the call that made it and,
 * long after its death, the call that ended it. Looking a handle up takes no
 * lock.
 *
 *     Dataset *input = object_find(handle, KIND_DATASET, "input");
 *     if (input == NULL)
 *         LEAVE(violation_status());
 *
 * Invariants: the body of a dead object stays readable until some ten
 * thousand further deaths, so a use that races with a destroy is reported
 * and does not crash; a handle means nothing else before that either.
 */
#ifndef FAKE_OBJECTS_H
#define FAKE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

#include "call/calls.h"
#include "call/keepers.h"
#include "memory/kinds.h"

/*
 * Makes an object with a zeroed body of size bytes. release, if not NULL,
 * frees what the body owns when the body itself goes; owner is the handle
 * whose death kills this object too, or NULL. Returns the body and the
 * handle, or NULL when memory or handles are used up. The slot may have been
 * a dead object's, whose release runs in here: the caller holds no lock that
 * a release takes.
 */
void *object_new(Kind kind, size_t size, void (*release)(void *body), const void *owner,
                 void **handle);

/*
 * The body behind a handle of that kind. NULL after a violation that names
 * the argument when there is none.
 */
void *object_find(const void *handle, Kind kind, const char *argument);

/* The same without a word. */
void *object_peek(const void *handle, Kind kind);

/*
 * Destroys an object of the user's. False after a violation: not such an
 * object, dead already, or owned by another.
 */
bool object_destroy(const void *handle, Kind kind, const char *argument);

/* Destroys an object on its owner's behalf; anything else is ignored. */
void object_kill(const void *handle);

/*
 * The calls that made and ended the object of a handle: text, of HISTORY_SIZE
 * bytes, as history_text() writes it; "never made" if there is none.
 */
const char *object_history(const void *handle, char *text);

/* Is this an address in the range of handles? */
bool object_is_handle(const void *address);

#endif
