/*
 * From float32 to the narrow floats several numbers at a time: eight with
 * AVX2 and F16C where the processor at hand has them (acl_avx2.c), four with
 * NEON (acl_neon.c). The answers are those of acl_narrow.c, which does the
 * last few of an array, and all of them on any other processor.
 *
 * Counting costs next to nothing: each counter is the difference of two "how
 * many lie above a limit", kept per lane for the length of a block.
 */

enum { TALLY_BLOCK = 4096 }; /* floats that fit the first cache with ease */

/* How many numbers of a block lie above each limit. */
typedef struct above {
    uint64_t zero, zeroTo, subnormal, normal, finite, infinite;
} above;

/* Turns them into what is counted. */
static void tally_block(ab_counts *counts, const above *n)
{
    counts->nan += n->infinite;
    counts->nonfinite += n->finite;
    counts->overflow += n->normal - n->finite;
    counts->underflow += n->zero - n->zeroTo;
    counts->subnormal += n->zeroTo - n->subnormal;
}
