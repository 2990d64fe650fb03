/*
 * Weights that are no contiguous arrays: views, transposed or cut out.
 * Read by cffi and by the compiler; no preprocessor line.
 */

enum { AB_GATHER_RANK = 8, AB_GATHER_SLAB = 4 << 20 }; /* bytes, the second */

int64_t ab_stage_gather(ab_stage *stage, void *area, void *bounce, size_t bounceSize,
                        size_t index, enum ab_move move, const void *src, size_t itemsize,
                        size_t rank, const size_t *dims, const int64_t *strides,
                        ab_counts *counts);
