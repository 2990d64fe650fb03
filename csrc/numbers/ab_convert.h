/*
 * Conversion of weights to narrow floats.
 */
#ifndef AB_CONVERT_CALLS_H
#define AB_CONVERT_CALLS_H

#include <stddef.h>
#include <stdint.h>

/*
 * How a weight's bytes become the device's: as they are; as they are, counting
 * what of them is not finite (finite.c); or converted from float32.
 */
enum ab_move {
    AB_MOVE_COPY,
    AB_MOVE_HALF,
    AB_MOVE_BFLOAT,
    AB_MOVE_COPY_FLOAT16,
    AB_MOVE_COPY_BFLOAT16,
    AB_MOVE_COPY_FLOAT32,
    AB_MOVE_COPY_FLOAT64,
    AB_MOVE_COPY_COMPLEX64,
    AB_MOVE_COPY_COMPLEX128,
    AB_MOVE_COPY_FLOAT8_E4M3FN,
    AB_MOVE_COPY_FLOAT8_E5M2,
    AB_MOVE_COPY_FLOAT8_E8M0FNU
};

/* What a conversion did to some of the numbers; of a copy, nonfinite alone. */
typedef struct ab_counts {
    uint64_t overflow;  /* finite, became infinite */
    uint64_t underflow; /* not 0, became 0 */
    uint64_t subnormal; /* became subnormal: fewer digits are left */
    uint64_t nan;       /* NaN before, and after */
    uint64_t nonfinite; /* NaN or infinite before */
} ab_counts;

void ab_convert(enum ab_move move, void *dst, const void *src, size_t count, ab_counts *counts);
uint64_t ab_nonfinite(enum ab_move move, const void *src, size_t nbytes);
void ab_convert_plain(enum ab_move move, void *dst, const void *src, size_t count,
                      ab_counts *counts);

#endif
