/*
 * written: which bytes of device memory anything ever wrote.
 *
 * Fresh memory holds nothing that a program may count on. Each byte of an
 * arena has a bit, which the allocation clears and whatever writes the byte
 * sets; a copy takes the bit along. A model with weights in the user's memory watches them: bytes that
 * are written there count from its next run on.
 */
#ifndef FAKE_WRITTEN_H
#define FAKE_WRITTEN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Somebody who wants to know that a range was written. */
typedef struct Watch {
    struct Watch *next;
    uintptr_t start;
    size_t size;
    atomic_bool *written;       /* set by every write into the range */
} Watch;

/* Bytes of a device were written; of any other memory nothing is noted. */
void device_written(const void *address, size_t size);

/*
 * Bytes were copied. Those that nobody ever wrote are still so where they
 * come to lie; all that comes from other memory than a device's was written.
 */
void device_copied(const void *dst, const void *src, size_t size);

/* A number that changes whenever a byte counts as written no longer. */
unsigned device_unwritten_epoch(void);

/*
 * Were all these bytes of a device written since they were allocated? Yes
 * where nobody can know: the host writes a device's memory by itself where
 * the program runs on the device.
 */
bool device_is_written(const void *address, size_t size);

/* Begins and ends a watch, which is the caller's and stays where it is. */
void watch_begin(Watch *watch);
void watch_end(Watch *watch);

#endif
