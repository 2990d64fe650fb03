/*
 * How a share crosses. Bytes that need no conversion cross straight from the
 * caller's array. Others are converted chunk by chunk into the staging buffer,
 * which stays in the processor's cache, and copied from there.
 */

#include "update/share.h"

#include <stddef.h>

#include "device/ab_status.h"
#include "numbers/ab_convert.h"
#include "numbers/moves.h"
#include "update/send.h"
#include "update/stage.h"

enum { COUNT_PART = 8 << 20 }; /* large, for a device asks its price for each copy */

/* Where the bytes of a share's weight lie in the area. */
static size_t share_place(const transfer *t, const share *s)
{
    return t->stage->weights[t->changed[s->item]].offset;
}

/* Converts a share chunk by chunk, sending each. */
static aclError share_convert(const transfer *t, const share *s, char *staging, size_t stagingSize,
                              ab_counts *counts)
{
    const char *src = t->src[s->item];
    size_t place = share_place(t, s), end = s->start + s->nbytes;
    aclError status = ACL_SUCCESS;
    for (size_t at = s->start; at < end && status == ACL_SUCCESS;) {
        size_t now = end - at < stagingSize ? end - at : stagingSize;
        ab_convert(t->moves[s->item], staging, src + at * 2, now / 2, counts);
        status = transfer_send(t, place + at, staging, now);
        at += now;
    }
    return status;
}

/*
 * Counts what is not finite in a share and sends it, in parts that the copy
 * then finds in the processor's cache: so the count costs no second way
 * through memory.
 */
static aclError share_count(const transfer *t, const share *s, ab_counts *counts)
{
    const char *src = (const char *)t->src[s->item] + s->start;
    size_t place = share_place(t, s) + s->start;
    aclError status = ACL_SUCCESS;
    for (size_t at = 0; at < s->nbytes && status == ACL_SUCCESS;) {
        size_t left = s->nbytes - at;
        size_t now = left < COUNT_PART ? left : COUNT_PART;
        counts->nonfinite += ab_nonfinite(t->moves[s->item], src + at, now);
        status = transfer_send(t, place + at, src + at, now);
        at += now;
    }
    return status;
}

/* Moves a share by way of a staging buffer of its own, and counts what conversions met. */
aclError share_move(const transfer *t, const share *s, char *staging, size_t stagingSize,
                    ab_counts *counts)
{
    if (move_converts(t->moves[s->item])) {
        return share_convert(t, s, staging, stagingSize, counts);
    }
    if (move_counts(t->moves[s->item])) {
        return share_count(t, s, counts);
    }
    return transfer_send(t, share_place(t, s) + s->start, (const char *)t->src[s->item] + s->start,
                         s->nbytes);
}
