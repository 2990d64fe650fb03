/*
 * Conversion of float32 to float16 and bfloat16, by the best means that the
 * processor has (vectors.c), which is asked at run time: what is built
 * here runs on every processor of its architecture.
 */

#include "numbers/ab_convert.h"

#include <stddef.h>

#include "numbers/narrow.h"
#include "numbers/vectors.h"

/*
 * Converts count float32 at src to as many narrow floats at dst, both in host
 * memory, apart, aligned or not; adds to counts what happened to them. Any
 * move that converts. This function cannot fail.
 */
void ab_convert(enum ab_move move, void *dst, const void *src, size_t count, ab_counts *counts)
{
    size_t done = convert_wide(move, dst, src, count, counts);
    convert_plain(move, (unsigned char *)dst + done * 2, (const unsigned char *)src + done * 4,
                  count - done, counts);
}

/* ab_convert without what only some processors have, for comparison. */
void ab_convert_plain(enum ab_move move, void *dst, const void *src, size_t count,
                      ab_counts *counts)
{
    convert_plain(move, dst, src, count, counts);
}
