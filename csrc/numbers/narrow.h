/* float32 to the narrow floats, one number after the other; and their limits. */
#ifndef AB_NARROW_H
#define AB_NARROW_H

#include <stddef.h>
#include <stdint.h>

#include "numbers/ab_convert.h"

static const uint32_t MAGNITUDE = 0x7FFFFFFF;
static const uint32_t INFINITE = 0x7F800000;

typedef struct limits {
    uint32_t zeroTo;       /* the largest that becomes 0 */
    uint32_t normalFrom;   /* the least that becomes a normal number */
    uint32_t infiniteFrom; /* the least that becomes an infinity */
} limits;

static const limits HALF = {0x33000000, 0x387FE000, 0x477FF000};
static const limits BFLOAT = {0x00008000, 0x007F8000, 0x7F7F8000};

void convert_plain(enum ab_move move, unsigned char *dst, const unsigned char *src, size_t count,
                   ab_counts *counts);

#endif
