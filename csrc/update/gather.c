/*
 * A view's elements cross in C order: gathered into the staging buffer a slab at a
 * time, converted and counted there while they lie in the cache, and copied from
 * there.
 */

#include "update/ab_gather.h"

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "numbers/ab_convert.h"
#include "numbers/moves.h"
#include "update/send.h"
#include "update/stage.h"
#include "update/strided.h"
#include "update/tile.h"

/* One weight on its way, slab by slab. */
typedef struct gathering {
    const transfer *t;
    enum ab_move move;
    size_t base;  /* of the weight in the area */
    size_t lines; /* the axis that the source is read along; rank without one */
    size_t pitch; /* elements from one line of a weight to the next */
    ab_counts *counts;
} gathering;

/* Bytes of the staging buffer that one slab may take before it is converted. */
static size_t gathering_room(const gathering *g)
{
    size_t size = g->t->stagingSize < AB_GATHER_SLAB ? g->t->stagingSize : AB_GATHER_SLAB;
    return move_converts(g->move) ? size / 3 * 2 : size;
}

/*
 * Gathers, converts and counts a slab, which fits, and sends it to element
 * place of the weight on: at once, or line by line where whole lines do not fit.
 */
static int64_t gathering_slab(const gathering *g, const strided *v, size_t place, int byLine)
{
    size_t count = strided_count(v, 0), size = v->itemsize;
    size_t sends = byLine ? v->dims[g->lines] : 1, each = count / sends;
    char *slab = g->t->staging;
    aclError status = ACL_SUCCESS;
    strided_gather(v, slab);
    if (move_converts(g->move)) {
        char *narrow = slab + gathering_room(g);
        ab_convert(g->move, narrow, slab, count, g->counts);
        slab = narrow;
        size = 2;
    } else if (move_counts(g->move)) {
        g->counts->nonfinite += ab_nonfinite(g->move, slab, count * size);
    }
    for (size_t i = 0; i < sends && status == ACL_SUCCESS; i++) {
        size_t offset = g->base + (place + i * g->pitch) * size;
        status = transfer_send(g->t, offset, slab + i * each * size, each * size);
    }
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_COPY_IN, 0, status);
}

/* How many of an axis stay together though the axes after it are cut. */
static size_t gathering_least(const gathering *g, const strided *v, size_t axis)
{
    size_t least = gathering_room(g) / v->itemsize;
    if (axis != g->lines) {
        return 1;
    }
    least = least < TILE_LEAST ? least : TILE_LEAST;
    return v->dims[axis] < least ? v->dims[axis] : least;
}

/*
 * Cuts a view along an axis until its pieces fit, and moves each. An element
 * of a transposed matrix brings a whole cache line: so the axis that the
 * source is read along is not cut below one.
 */
static int64_t gathering_cut(gathering *g, strided v, size_t axis, size_t place)
{
    size_t each = strided_count(&v, axis + 1), left = v.dims[axis];
    size_t lines = axis > g->lines ? v.dims[g->lines] : 1;
    size_t fit = gathering_room(g) / v.itemsize / each / lines;
    size_t least = gathering_least(g, &v, axis);
    int64_t result = 0;
    if (axis == g->lines) {
        g->pitch = each;
    }
    while (left > 0 && result == 0) {
        size_t most = fit < least ? least : fit;
        v.dims[axis] = left < most ? left : most;
        result = fit < least ? gathering_cut(g, v, axis + 1, place)
                             : gathering_slab(g, &v, place, axis > g->lines);
        v.data += (int64_t)v.dims[axis] * v.strides[axis];
        place += v.dims[axis] * each;
        left -= v.dims[axis];
    }
    return result;
}

/*
 * Moves weight index from a view of at most AB_GATHER_RANK axes, none of them
 * empty, to its place, in C order; see ab_stage_move for area and moves, of
 * which none but a conversion changes the size of an element. staging holds an
 * element of the view and what it is converted to, and is as fast as it can be
 * with AB_GATHER_SLAB. Returns 0 or a failure with index 0.
 */
int64_t ab_stage_gather(ab_stage *stage, void *area, void *staging, size_t stagingSize,
                        size_t index, enum ab_move move, const void *src, size_t itemsize,
                        size_t rank, const size_t *dims, const int64_t *strides, ab_counts *counts)
{
    transfer t = {stage, area, staging, stagingSize, NULL, NULL, NULL, NULL, 0};
    strided v = strided_of(src, itemsize, rank, dims, strides);
    gathering g = {&t, move, stage->weights[index].offset, v.rank, 0, counts};
    ab_visit visit;
    int64_t result = stage_enter(stage, &visit);
    if (v.rank > 1 && !strided_runs(&v)) {
        g.lines = strided_lines(&v);
    }
    if (result == 0) {
        result = v.rank == 0 ? gathering_slab(&g, &v, 0, 0) : gathering_cut(&g, v, 0, 0);
        ab_context_leave(&visit);
    }
    return result;
}
