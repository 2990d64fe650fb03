/*
 * A transfer is what one call moves: weights, from whole, contiguous host
 * arrays to the places that a stage gave them. Here are its small weights:
 * they are gathered in the staging buffer, converted on the way if they have
 * to be, and cross in copies of its size; what is not finite is counted.
 *
 * Without an area nothing is sent: what is left of a transfer then is to
 * count.
 */

#include "update/pack.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "acl/acl_types.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "numbers/ab_convert.h"
#include "numbers/moves.h"
#include "update/ab_stage.h"
#include "update/send.h"
#include "update/stage.h"

/* What lies in the staging buffer, not yet sent. */
typedef struct pack {
    size_t filled;
    size_t offset; /* in the area, of its first byte */
    size_t first;  /* which of the transfer it is */
} pack;

/* Sends what is packed. */
static int64_t pack_flush(const transfer *t, pack *p)
{
    aclError status = ACL_SUCCESS;
    if (p->filled > 0) {
        status = transfer_send(t, p->offset, t->staging, p->filled);
        p->filled = 0;
    }
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_COPY_IN, p->first, status);
}

/* Copies or converts one whole weight to dst. */
static void pack_fill(const transfer *t, size_t i, char *dst)
{
    size_t nbytes = t->stage->weights[t->changed[i]].nbytes;
    if (move_converts(t->moves[i])) {
        ab_convert(t->moves[i], dst, t->src[i], nbytes / 2, &t->counts[i]);
        return;
    }
    if (move_counts(t->moves[i])) {
        t->counts[i].nonfinite += ab_nonfinite(t->moves[i], t->src[i], nbytes);
    }
    if (t->area != NULL) {
        memcpy(dst, t->src[i], nbytes);
    }
}

/* Gathers one small weight. The staging buffer holds at least one. */
static int64_t pack_small(const transfer *t, pack *p, size_t i)
{
    const staged *w = &t->stage->weights[t->changed[i]];
    size_t room = ab_stage_room(t->stage, t->changed[i]);
    char *dst;
    if (room > t->stagingSize - p->filled || w->offset != p->offset + p->filled) {
        int64_t result = pack_flush(t, p);
        if (result != 0) {
            return result;
        }
    }
    if (p->filled == 0) {
        p->offset = w->offset;
        p->first = i;
    }
    dst = t->staging + p->filled;
    pack_fill(t, i, dst);
    memset(dst + w->nbytes, 0, room - w->nbytes);
    p->filled += room;
    return 0;
}

/* Moves the small weights. */
int64_t transfer_small(const transfer *t)
{
    pack p = {0, 0, 0};
    int64_t result = 0;
    for (size_t i = 0; i < t->count && result == 0; i++) {
        if (staged_is_small(&t->stage->weights[t->changed[i]])) {
            result = pack_small(t, &p, i);
        }
    }
    return result == 0 ? pack_flush(t, &p) : result;
}
