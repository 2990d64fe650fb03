/*
 * The staging of an update: where each weight lies in an area of the device, and
 * what the update graph's dataset says of it.
 */
#ifndef AB_STAGE_CALLS_H
#define AB_STAGE_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "infer/ab_engine.h"

/* Below so many bytes on the device a weight is small: gathered with others. */
enum { AB_STAGE_SMALL = 256 * 1024 };

typedef struct ab_stage ab_stage;

ab_stage *ab_stage_new(ab_engine *engine, aclmdlDataset *input, size_t count, void *keepData,
                       aclTensorDesc *keepDesc);
void ab_stage_free(ab_stage *stage);
void ab_stage_weight(ab_stage *stage, size_t index, aclDataBuffer *buffer, size_t nbytes,
                     aclTensorDesc *desc);
size_t ab_stage_room(const ab_stage *stage, size_t index);
size_t ab_stage_lay(ab_stage *stage, const uint32_t *changed, void *const *lent, size_t count,
                    size_t *small);
int64_t ab_stage_describe(ab_stage *stage, void *area);

#endif
