/* What a move does to a weight's bytes. */
#ifndef AB_MOVES_H
#define AB_MOVES_H

#include "numbers/ab_convert.h"

/* Whether a move counts, so whether it has a kind. */
static inline int move_counts(enum ab_move move)
{
    return move >= AB_MOVE_COPY_FLOAT16;
}

/* Whether a move changes the numbers' type. */
static inline int move_converts(enum ab_move move)
{
    return move == AB_MOVE_HALF || move == AB_MOVE_BFLOAT;
}

#endif
