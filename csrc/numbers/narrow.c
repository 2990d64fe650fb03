/*
 * From float32 to float16 and bfloat16, one number after the other: nearest,
 * ties to even, as IEEE 754 and numpy have it. A NaN stays a NaN, quiet; what
 * is too large becomes an infinity. On the way it is counted what the narrow
 * type could not hold.
 *
 * All of that can be read off a float's bits without its sign, for floats
 * sort as their bits do: three limits per type tell the results apart.
 *
 *     0 .. zeroTo          underflow, but for 0 itself
 *       .. normalFrom      subnormal
 *       .. infiniteFrom    normal
 *       .. INFINITE        overflow
 *     INFINITE             data, and above it NaN
 */

#include "numbers/narrow.h"

#include <stdint.h>
#include <string.h>

enum { SIGN_BIT = 0x8000 };

/* One float16 of a float's bits. This function cannot fail. */
static uint16_t half_of(uint32_t bits)
{
    uint32_t sign = bits >> 16 & SIGN_BIT;
    uint32_t a = bits & MAGNITUDE;
    uint32_t mantissa, result, rest, tie;
    uint32_t drop = 13;
    if (a > INFINITE) {
        return (uint16_t)(sign | 0x7E00 | (a >> 13 & 0x3FF));
    }
    if (a >= HALF.infiniteFrom) {
        return (uint16_t)(sign | 0x7C00);
    }
    if (a <= HALF.zeroTo) {
        return (uint16_t)sign;
    }
    mantissa = a - (112U << 23);
    if (a < 0x38800000) { /* below 2 ** -14: no hidden bit in the result */
        mantissa = (a & 0x7FFFFF) | 0x800000;
        drop = 126 - (a >> 23);
    }
    result = mantissa >> drop;
    rest = mantissa & ((1U << drop) - 1);
    tie = 1U << (drop - 1);
    result += rest > tie || (rest == tie && (result & 1));
    return (uint16_t)(sign | result);
}

/* One bfloat16 of a float's bits; every NaN is the same but for its sign. */
static uint16_t bfloat_of(uint32_t bits)
{
    if ((bits & MAGNITUDE) > INFINITE) {
        return (uint16_t)((bits >> 16 & SIGN_BIT) | 0x7FC0);
    }
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/* Notes what became of one number. */
static void tally_one(ab_counts *counts, const limits *of, uint32_t bits)
{
    uint32_t a = bits & MAGNITUDE;
    counts->nonfinite += a >= INFINITE;
    if (a > INFINITE) {
        counts->nan++;
    } else if (a != INFINITE && a >= of->infiniteFrom) {
        counts->overflow++;
    } else if (a != 0 && a <= of->zeroTo) {
        counts->underflow++;
    } else if (a != 0 && a < of->normalFrom) {
        counts->subnormal++;
    }
}

/*
 * Converts number by number, on any processor. Neither pointer need be
 * aligned. Adds to counts; cannot fail.
 */
void convert_plain(enum ab_move move, unsigned char *dst, const unsigned char *src, size_t count,
                   ab_counts *counts)
{
    const limits *of = move == AB_MOVE_HALF ? &HALF : &BFLOAT;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        uint16_t narrow;
        memcpy(&bits, src + i * sizeof bits, sizeof bits);
        narrow = move == AB_MOVE_HALF ? half_of(bits) : bfloat_of(bits);
        memcpy(dst + i * sizeof narrow, &narrow, sizeof narrow);
        tally_one(counts, of, bits);
    }
}
