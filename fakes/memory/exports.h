/*
 * exports: device memory of this process that others may have, by a key.
 *
 * The device's bytes lie in a file already (base/arena.h), so to export them
 * moves nothing: a block that all processes share (base/share.h) tells which
 * pages of which file they are, who may have them, and whether they are there.
 *
 * The end has one order (facts 10.1): importers close the key, then the
 * exporter, then the memory is freed.
 */
#ifndef FAKE_EXPORTS_H
#define FAKE_EXPORTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/share.h"
#include "call/keepers.h"
#include "memory/uses.h"

enum { EXPORT_ALLOWED = 1024 };     /* processes that one key may name */

/* What the processes share. All up to ended stays as it was made. */
typedef struct Exported {
    int32_t file;               /* of the arena: the exporter's descriptor, */
    uint64_t device;            /* and which file that is */
    uint64_t inode;
    uint64_t window;            /* bytes of the arena */
    uint64_t offset;            /* of the memory in it */
    uint64_t size;
    int32_t chip;               /* the device, as all processes number it */
    bool anybody;               /* processes are not asked for */
    atomic_bool ended;          /* the exporter closed the key or freed the memory */
    atomic_uint allowed;
    atomic_int process[EXPORT_ALLOWED];
    Uses uses;
} Exported;

/* Writes a key for memory: 0, or a status. key has SHARE_KEY bytes. */
int export_make(void *address, size_t size, int chip, bool anybody, char *key);

/* Lets processes import: 0, or a status. */
int export_allow(const char *key, const int32_t *process, size_t count);

/* Closes it: 0, or the status of a violation. */
int export_close(const char *key);

/*
 * May this memory be freed, as far as keys are concerned? 0, or the status of a
 * violation. Its keys are ended where it is freed all the same.
 */
int export_check_free(const void *address);

#endif
