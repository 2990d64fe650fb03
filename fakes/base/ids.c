#include "base/ids.h"

#include <stdlib.h>
#include <string.h>

bool ids_add(Ids *ids, uint32_t id)
{
    if (ids->count == ids->room) {
        size_t room = ids->room == 0 ? 8 : ids->room * 2;
        uint32_t *grown = realloc(ids->id, room * sizeof *grown);
        if (grown == NULL)
            return false;
        ids->id = grown;
        ids->room = room;
    }
    ids->id[ids->count++] = id;
    return true;
}

size_t ids_find(const Ids *ids, uint32_t id)
{
    size_t i = 0;

    while (i < ids->count && ids->id[i] != id)
        i++;
    return i;
}

void ids_remove(Ids *ids, size_t at)
{
    ids->count--;
    memmove(&ids->id[at], &ids->id[at + 1], (ids->count - at) * sizeof *ids->id);
}
