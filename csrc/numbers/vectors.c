/*
 * From float32 to the narrow floats several numbers at a time: eight with
 * AVX2 and F16C where the processor at hand has them (avx2.c), four with
 * NEON (neon.c). The answers are those of narrow.c, which does the
 * last few of an array, and all of them on any other processor.
 *
 * Counting costs next to nothing: each counter is the difference of two "how
 * many lie above a limit", kept per lane for the length of a block.
 */

#include "numbers/vectors.h"

#include <stddef.h>
#include <stdint.h>

#include "numbers/ab_convert.h"
#include "numbers/blocks.h"

/* Turns them into what is counted. */
static void tally_block(ab_counts *counts, const above *n)
{
    counts->nan += n->infinite;
    counts->nonfinite += n->finite;
    counts->overflow += n->normal - n->finite;
    counts->underflow += n->zero - n->zeroTo;
    counts->subnormal += n->zeroTo - n->subnormal;
}

/*
 * convert_plain, several numbers at a time. Returns how many it has done: all
 * but the last few; none where the processor has no such means.
 */
size_t convert_wide(enum ab_move move, unsigned char *dst, const unsigned char *src, size_t count,
                    ab_counts *counts)
{
    size_t width = convert_width();
    size_t done = 0, whole = width != 0 ? count - count % width : 0;
    while (done < whole) {
        size_t now = whole - done < TALLY_BLOCK ? whole - done : TALLY_BLOCK;
        above n;
        if (move == AB_MOVE_HALF) {
            block_half(dst + done * 2, src + done * 4, now, &n);
        } else {
            block_bfloat(dst + done * 2, src + done * 4, now, &n);
        }
        tally_block(counts, &n);
        done += now;
    }
    return done;
}

#if !defined(__x86_64__) && !defined(__aarch64__)

/* This processor has no such means: the blocks are not called. */
size_t convert_width(void)
{
    return 0;
}

void block_half(unsigned char *dst, const unsigned char *src, size_t count, above *n)
{
    (void)dst, (void)src, (void)count, (void)n;
}

void block_bfloat(unsigned char *dst, const unsigned char *src, size_t count, above *n)
{
    (void)dst, (void)src, (void)count, (void)n;
}

#endif
