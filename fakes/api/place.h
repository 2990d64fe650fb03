/*
 * place: the bytes behind one side of a copy.
 *
 * Each side is resolved to bytes this process can touch: a device address
 * through its allocation, a host address as it stands.
 */
#ifndef FAKE_PLACE_H
#define FAKE_PLACE_H

#include <stddef.h>

typedef enum Side { HOST, DEVICE, ANY } Side;

typedef struct Place {
    unsigned char *bytes;
    size_t room;                /* bytes from there to the end */
} Place;

/*
 * Checks one address against the side it should be on. A program that runs
 * on the device itself has no other side: all its memory is the device's.
 */
int side_check(const void *address, Side side, const char *argument);

/* Finds the bytes of one side: 0, or the status of a violation. */
int place_find(const void *address, const char *argument, Place *place);

/* Has a place count bytes? 0, or the status of a violation. */
int place_check(const Place *place, const void *address, size_t count, const char *argument);

/* In strict mode the first status that is not 0, in faithful mode none. */
int strict_only(int first, int second);

#endif
