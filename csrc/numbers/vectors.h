/* Several numbers at a time, as far as the processor at hand can. */
#ifndef AB_VECTORS_H
#define AB_VECTORS_H

#include <stddef.h>

#include "numbers/ab_convert.h"

size_t convert_wide(enum ab_move move, unsigned char *dst, const unsigned char *src, size_t count,
                    ab_counts *counts);

#endif
