/*
 * imports: device memory of other processes that this one has, by their keys.
 *
 * The exporter's pages stand at device addresses of this process, and so do the
 * marks of what was written: each process reads what the other one wrote. A key
 * may be imported more than once; each import is closed, the oldest first
 * (facts 10.1).
 *
 * The pages outlive the exporter, but on a device nobody knows what lies there
 * then: whoever touches them is told.
 */
#ifndef FAKE_IMPORTS_H
#define FAKE_IMPORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "call/keepers.h"

/* What of a key must hold before it is imported. */
typedef struct ImportTerms {
    int device;                 /* that gets addresses for it */
    /* May it reach a chip? 0, or a status. Asked before anything is mapped. */
    int (*reach)(int device, int chip);
} ImportTerms;

/* Imports a key: 0, and the device address, or a status. */
int import_open(const char *key, const ImportTerms *terms, void **address);

/* The oldest import of a key, and its bytes; NULL: this process has none. */
const void *import_oldest(const char *key, size_t *size);

/* Ends the oldest import of a key: 0, or a status. */
int import_close(const char *key);

/* Is imported memory at an address there no more? */
bool import_is_lost(const void *address);

/* Which chip has imported memory at an address; -1: it is not imported. */
int import_chip(const void *address);

#endif
