/* What all transfers have in common. */

#include "update/send.h"

#include <stddef.h>
#include <stdint.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "infer/engine.h"
#include "update/stage.h"

/* Copies host bytes to a place in the area, if there is one. */
aclError transfer_send(const transfer *t, size_t offset, const void *src, size_t nbytes)
{
    if (t->area == NULL) {
        return ACL_SUCCESS;
    }
    return aclrtMemcpy(t->area + offset, nbytes, src, nbytes, t->stage->engine->toDevice);
}

/*
 * Begins a move, in the device's context: what the library said of an earlier
 * one counts no more. Returns 0, to be followed by ab_context_leave, or a
 * failure.
 */
int64_t stage_enter(ab_stage *stage, ab_visit *visit)
{
    stage->foreign = 0;
    if (gate_is_foreign(stage->engine->gate)) {
        return failure(AB_STEP_FORKED, 0, 0);
    }
    return ab_context_enter(stage->engine->context, visit);
}
