/*
 * Transfers move weights from host arrays to the places that a stage gave
 * them: as many as there are in one call, the small ones first (pack.c),
 * then the large ones (pool.c); or, of a weight that is no contiguous
 * array of the right kind, one piece at a time.
 */

#include "update/ab_transfer.h"

#include <stddef.h>
#include <stdint.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "infer/engine.h"
#include "update/pack.h"
#include "update/pool.h"
#include "update/send.h"
#include "update/stage.h"

/*
 * Moves weights to the places that ab_stage_lay gave them, each from a whole,
 * contiguous host array. Small ones go in the order in which they were laid.
 *
 * area holds what ab_stage_lay said; NULL sends nothing and only counts.
 * staging is page-locked host memory: the room of the largest small weight or
 * more, and AB_STAGE_CHUNK for each thread if a large one is converted; not
 * used otherwise. moves tells for each weight what to do; src of a conversion
 * are float32, and counts[i] is added to. counts may be NULL where every
 * move is AB_MOVE_COPY.
 * threads: 1 to AB_STAGE_MAX_THREADS.
 *
 * Returns 0 or a failure, of the first weight given that failed.
 */
int64_t ab_stage_move(ab_stage *stage, void *area, void *staging, size_t stagingSize,
                      size_t threads, const uint32_t *changed, const uint8_t *moves,
                      const void *const *src, ab_counts *counts, size_t count)
{
    transfer t = {stage, area, staging, stagingSize, changed, moves, src, counts, count};
    ab_visit visit;
    int64_t result = stage_enter(stage, &visit);
    if (result == 0) {
        result = transfer_small(&t);
        result = result == 0 ? transfer_large(&t, threads) : result;
        ab_context_leave(&visit);
    }
    return result;
}

/*
 * Moves some bytes of weight index, as the device is to have them, to offset
 * bytes behind its start. Returns 0 or a failure with index 0.
 */
int64_t ab_stage_piece(ab_stage *stage, void *area, size_t index, size_t offset, const void *src,
                       size_t nbytes)
{
    ab_visit visit;
    int64_t result = stage_enter(stage, &visit);
    if (result == 0) {
        char *dst = (char *)area + stage->weights[index].offset + offset;
        aclError status = aclrtMemcpy(dst, nbytes, src, nbytes, stage->engine->toDevice);
        if (status != ACL_SUCCESS) {
            result = failure(AB_STEP_COPY_IN, 0, status);
        }
        ab_context_leave(&visit);
    }
    return result;
}

/*
 * Copies weight index from elsewhere on the device to its place. Returns 0 or a
 * failure with index 0.
 */
int64_t ab_stage_copy(ab_stage *stage, void *area, size_t index, const void *src)
{
    ab_visit visit;
    int64_t result = stage_enter(stage, &visit);
    if (result == 0) {
        const staged *w = &stage->weights[index];
        aclError status = aclrtMemcpy((char *)area + w->offset, w->nbytes, src, w->nbytes,
                                      ACL_MEMCPY_DEVICE_TO_DEVICE);
        if (status != ACL_SUCCESS) {
            result = failure(AB_STEP_COPY_IN, 0, status);
        }
        ab_context_leave(&visit);
    }
    return result;
}

/*
 * What the library said when the last move failed on a thread of its own,
 * where the caller cannot ask; NULL when it failed on the caller's.
 */
const char *ab_stage_detail(const ab_stage *stage)
{
    return stage->foreign ? stage->detail : NULL;
}
