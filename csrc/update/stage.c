/*
 * A stage fills the update graph's input dataset. It keeps, for every weight,
 * its data buffer, its byte count and the description that says "assign"; and
 * what buffer and dataset were told last. Both stick, so only what changes is
 * touched, and only once every byte has arrived: until then the dataset is as
 * the last write left it. What says "keep" never points into the area, which
 * may be gone by the next write.
 *
 * In the area each weight starts at a multiple of 64 and is followed
 * by ALIGN_UP(nbytes, 32) + 32 bytes of its own, as sub-allocated device
 * memory must be. Small weights come first, side by side, so that they cross
 * together; see transfer.c for how.
 *
 *     nbytes = ab_stage_lay(stage, changed, lent, count);   a place for each
 *     ab_stage_move(stage, area, ...);                the bytes
 *     ab_stage_describe(stage, area);                 ready for the commit
 *
 * The same weights in the same order get the same places, whatever was laid
 * between. Laying and describing cost what is wanted now and what was wanted
 * by the last write; no other weight is looked at.
 *
 * A weight that lies on the device already takes no room in the area: the
 * dataset points at the caller's memory, until the next write at the latest.
 *
 * None of this touches a variable, and all of it may happen while the gate is
 * open or shut. The area is the caller's and may be another one each time.
 */

#include "update/stage.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "acl/pointers.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "infer/engine.h"
#include "update/ab_stage.h"

/*
 * A stage over a dataset of count inputs that all say "keep": described by
 * keepDesc, and pointing at keepData, for an empty tensor, too, wants a byte
 * behind it. NULL without memory. What is given outlives it.
 */
ab_stage *ab_stage_new(ab_engine *engine, aclmdlDataset *input, size_t count, void *keepData,
                       aclTensorDesc *keepDesc)
{
    ab_stage *stage = calloc(1, sizeof *stage + count * sizeof(staged));
    if (stage == NULL) {
        return NULL;
    }
    stage->wanted = calloc(2 * count + 1, sizeof *stage->wanted);
    if (stage->wanted == NULL) {
        free(stage);
        return NULL;
    }
    stage->told = stage->wanted + count;
    stage->engine = engine;
    stage->input = input;
    stage->keepData = keepData;
    stage->keepDesc = keepDesc;
    stage->count = count;
    for (size_t i = 0; i < count; i++) {
        stage->weights[i].says = keepDesc;
        stage->weights[i].data = keepData;
        stage->weights[i].size = 1;
    }
    return stage;
}

void ab_stage_free(ab_stage *stage)
{
    if (stage != NULL) {
        free(stage->wanted);
    }
    free(stage);
}

/* Describes weight index; what the dataset says of it stays as it is. */
void ab_stage_weight(ab_stage *stage, size_t index, aclDataBuffer *buffer, size_t nbytes,
                     aclTensorDesc *desc)
{
    staged *w = &stage->weights[index];
    w->buffer = buffer;
    w->desc = desc;
    w->nbytes = nbytes;
}

/*
 * The bytes that weight index takes in an area, padding included; 0 when that
 * is more than a size_t can hold.
 */
size_t ab_stage_room(const ab_stage *stage, size_t index)
{
    size_t nbytes = stage->weights[index].nbytes;
    size_t padded = ((nbytes + PAD - 1) & ~(size_t)(PAD - 1)) + PAD;
    if (nbytes > SIZE_MAX - PAD - 2 * START) {
        return 0;
    }
    return (padded + START - 1) & ~(size_t)(START - 1);
}

/* Gives the wanted weights of one kind their places; 0 on overflow. */
static int stage_lay_kind(ab_stage *stage, int small, const uint32_t *changed, void *const *lent,
                          size_t count, size_t *total)
{
    for (size_t i = 0; i < count; i++) {
        staged *w = &stage->weights[changed[i]];
        int isLent = lent != NULL && lent[i] != NULL;
        size_t room = isLent ? 0 : ab_stage_room(stage, changed[i]);
        if (staged_is_small(w) != small) {
            continue;
        }
        if ((room == 0 && !isLent) || *total > SIZE_MAX - room) {
            return 0;
        }
        w->lent = isLent ? lent[i] : NULL;
        if (!w->wanted) {
            w->wanted = 1;
            stage->wanted[stage->wantedCount++] = changed[i];
        }
        w->offset = *total;
        *total += room;
    }
    return 1;
}

/*
 * Wants these weights (no repeats) and no others, and gives each a place: the
 * small ones first, each kind in the order given. lent, if it is not NULL, has
 * the addresses of those that lie on the device already, each START bytes
 * aligned, and NULL for the others. Returns the bytes of the area that holds
 * those others, *small of which the small ones take; SIZE_MAX when that is more
 * than a size_t can hold.
 */
size_t ab_stage_lay(ab_stage *stage, const uint32_t *changed, void *const *lent, size_t count,
                    size_t *small)
{
    size_t total = 0;
    while (stage->wantedCount > 0) {
        stage->weights[stage->wanted[--stage->wantedCount]].wanted = 0;
    }
    if (!stage_lay_kind(stage, 1, changed, lent, count, &total)) {
        return SIZE_MAX;
    }
    *small = total;
    return stage_lay_kind(stage, 0, changed, lent, count, &total) ? total : SIZE_MAX;
}

/* Points an input's data buffer at some bytes, if it is not there already. */
static aclError stage_point(staged *w, void *data, size_t size)
{
    aclError status = ACL_SUCCESS;
    if (w->data != data || w->size != size) {
        w->data = NULL; /* should the call fail: who knows */
        status = aclUpdateDataBuffer(w->buffer, data, size);
        if (status == ACL_SUCCESS) {
            w->data = data;
            w->size = size;
        }
    }
    return status;
}

/* The same for an input's description. */
static aclError stage_say(ab_stage *stage, size_t index, aclTensorDesc *desc)
{
    staged *w = &stage->weights[index];
    aclError status = ACL_SUCCESS;
    if (w->says != desc) {
        w->says = NULL;
        status = aclmdlSetDatasetTensorDesc(stage->input, desc, index);
        if (status == ACL_SUCCESS) {
            w->says = desc;
        }
    }
    return status;
}

/*
 * Makes one input of the dataset say what is wanted of its weight. The data
 * buffer goes first: a description never stands over a pointer that is gone.
 */
static int64_t stage_describe(ab_stage *stage, char *area, size_t index)
{
    staged *w = &stage->weights[index];
    char *place = w->wanted && w->lent == NULL ? area + w->offset : w->lent;
    aclError status =
        w->wanted ? stage_point(w, place, w->nbytes) : stage_point(w, stage->keepData, 1);
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_SET_BUFFER, index, status);
    }
    status = stage_say(stage, index, w->wanted ? w->desc : stage->keepDesc);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_SET_DESC, index, status);
}

/* Has the weights that were assigned and are not wanted now say "keep". */
static int64_t stage_keep(ab_stage *stage)
{
    for (size_t i = stage->toldCount; i-- > 0;) {
        size_t index = stage->told[i];
        int64_t result;
        if (stage->weights[index].wanted) {
            continue;
        }
        result = stage_describe(stage, NULL, index);
        if (result != 0) {
            return result;
        }
        stage->weights[index].told = 0;
        stage->told[i] = stage->told[--stage->toldCount];
    }
    return 0;
}

/* Has the wanted weights say "assign", from this area. */
static int64_t stage_assign(ab_stage *stage, char *area)
{
    int64_t result = 0;
    for (size_t i = 0; i < stage->wantedCount && result == 0; i++) {
        size_t index = stage->wanted[i];
        if (!stage->weights[index].told) {
            stage->weights[index].told = 1;
            stage->told[stage->toldCount++] = (uint32_t)index;
        }
        result = stage_describe(stage, area, index);
    }
    return result;
}

/*
 * Makes the whole dataset say what the last ab_stage_lay wanted, of weights
 * that lie in this area. Needs no context. Returns 0 or a failure, after which
 * the dataset is not to be run; the next call starts afresh.
 */
int64_t ab_stage_describe(ab_stage *stage, void *area)
{
    int64_t result;
    if (gate_is_foreign(stage->engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    result = stage_keep(stage);
    return result == 0 ? stage_assign(stage, area) : result;
}
