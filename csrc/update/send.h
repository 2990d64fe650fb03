/* A transfer, and how its bytes cross. */
#ifndef AB_SEND_H
#define AB_SEND_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "device/ab_context.h"
#include "numbers/ab_convert.h"
#include "update/ab_stage.h"

/* What is to be moved; the caller's, unchanged but for counts. */
typedef struct transfer {
    ab_stage *stage;
    char *area;
    char *staging;
    size_t stagingSize;
    const uint32_t *changed;
    const uint8_t *moves;
    const void *const *src;
    ab_counts *counts;
    size_t count;
} transfer;

aclError transfer_send(const transfer *t, size_t offset, const void *src, size_t nbytes);
int64_t stage_enter(ab_stage *stage, ab_visit *visit);

#endif
