/* Blocks of numbers, as the instructions of one processor convert them: avx2.c, neon.c. */
#ifndef AB_BLOCKS_H
#define AB_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "numbers/ab_convert.h"

enum { TALLY_BLOCK = 4096 }; /* floats that fit the first cache with ease */

/* How many numbers of a block lie above each limit. */
typedef struct above {
    uint64_t zero, zeroTo, subnormal, normal, finite, infinite;
} above;

/* What lets the compiler use AVX2 and F16C in a function that is called only after a test. */
#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,f16c")))
#endif

/* How many numbers cross at a time; 0: this processor cannot. */
size_t convert_width(void);

/* One block, of a multiple of the width up to TALLY_BLOCK. */
void block_half(unsigned char *dst, const unsigned char *src, size_t count, above *n);
void block_bfloat(unsigned char *dst, const unsigned char *src, size_t count, above *n);

#endif
