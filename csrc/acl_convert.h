/*
 * Conversion of weights to narrow floats.
 * Read by cffi and by the compiler; no preprocessor line.
 */

/* How a weight's bytes become the device's. */
enum ab_move { AB_MOVE_COPY, AB_MOVE_HALF, AB_MOVE_BFLOAT };

/* What a conversion did to some of the numbers. */
typedef struct ab_counts {
    uint64_t overflow;  /* finite, became infinite */
    uint64_t underflow; /* not 0, became 0 */
    uint64_t subnormal; /* became subnormal: fewer digits are left */
    uint64_t nan;       /* NaN before, and after */
} ab_counts;

void ab_convert(enum ab_move move, void *dst, const void *src, size_t count, ab_counts *counts);
void ab_convert_plain(enum ab_move move, void *dst, const void *src, size_t count,
                      ab_counts *counts);
