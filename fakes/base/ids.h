/*
 * ids: a growing list of model ids.
 */
#ifndef FAKE_IDS_H
#define FAKE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Ids {
    uint32_t *id;               /* owned */
    size_t count;
    size_t room;
} Ids;

/* Appends an id. False without memory. */
bool ids_add(Ids *ids, uint32_t id);

/* The position of an id, or count. */
size_t ids_find(const Ids *ids, uint32_t id);

/* Takes out what is at a position. */
void ids_remove(Ids *ids, size_t at);

#endif
