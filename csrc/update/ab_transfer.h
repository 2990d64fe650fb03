/*
 * The bytes of an update on their way to the area of a stage.
 */
#ifndef AB_TRANSFER_CALLS_H
#define AB_TRANSFER_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "numbers/ab_convert.h"
#include "update/ab_stage.h"

/* So many bytes of the staging buffer per thread, and they convert at full speed. */
enum { AB_STAGE_CHUNK = 256 * 1024, AB_STAGE_MAX_THREADS = 16 };

int64_t ab_stage_move(ab_stage *stage, void *area, void *staging, size_t stagingSize,
                      size_t threads, const uint32_t *changed, const uint8_t *moves,
                      const void *const *src, ab_counts *counts, size_t count);
int64_t ab_stage_piece(ab_stage *stage, void *area, size_t index, size_t offset, const void *src,
                       size_t nbytes);
int64_t ab_stage_copy(ab_stage *stage, void *area, size_t index, const void *src);
const char *ab_stage_detail(const ab_stage *stage);

#endif
