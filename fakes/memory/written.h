/*
 * written: which bytes of device memory anything ever wrote.
 *
 * Fresh memory holds nothing that a program may count on. Each byte of an
 * arena has a bit, which the allocation clears and whatever writes the byte
 * sets; a copy takes the bit along. A model with weights in the user's memory
 * watches them: bytes that are written there count from its next run on.
 */
#ifndef FAKE_WRITTEN_H
#define FAKE_WRITTEN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A flag that is set when a range is written. */
typedef struct Watch {
    struct Watch *next;
    uintptr_t start;
    size_t size;
    atomic_bool *written;       /* set by every write into the range */
} Watch;

/* Bytes of a device were written; of any other memory nothing is noted. */
void device_written(const void *address, size_t size);

/*
 * Bytes were copied. Bytes that were never written count as never written at
 * the target, too; bytes from other memory than a device's count as written.
 */
void device_copied(const void *dst, const void *src, size_t size);

/* A number that changes whenever a byte counts as written no longer. */
unsigned device_unwritten_epoch(void);

/*
 * Were all these bytes of a device written since they were allocated? Yes
 * where that is not known: the host writes a device's memory by itself where
 * the program runs on the device.
 */
bool device_is_written(const void *address, size_t size);

/* Begins and ends a watch, which is the caller's and stays where it is. */
void watch_begin(Watch *watch);
void watch_end(Watch *watch);

#endif
