/*
 * An inference as a function that Python calls without cffi between.
 */
#ifndef AB_CALL_CALLS_H
#define AB_CALL_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "infer/ab_engine.h"
#include "infer/ab_gear.h"

/* The shapes that a tensor may have: from least to most in each dim. */
typedef struct ab_extent {
    int rank; /* -1: any, and any dims */
    const int64_t *least;
    const int64_t *most;
} ab_extent;

/* One choice of shapes: a fixed one, a gear, or what a dynamic graph takes. */
typedef struct ab_choice {
    const ab_gear *gear;
    const ab_extent *in;
    const ab_extent *out; /* NULL: the run tells */
} ab_choice;

/* What a graph takes and gives. The sizes are of one element. */
typedef struct ab_signature {
    ab_engine *engine;
    size_t inCount;
    size_t outCount;
    const size_t *sizes; /* of inputs, then outputs */
    size_t choiceCount;
    const ab_choice *choices;
    int readable; /* arrays are laid out as ndarray.h has them */
    int dynamic;
} ab_signature;

uintptr_t ab_call_maker(void);
uintptr_t ab_bound_maker(void);

#endif
