/* How a dynamic graph executes. */
#ifndef AB_SHAPES_H
#define AB_SHAPES_H

#include <stddef.h>
#include <stdint.h>

#include "infer/ab_run.h"
#include "infer/ab_shapes.h"

int64_t shapes_execute(ab_shapes *shapes, const ab_run *run);
void shapes_discard(ab_engine *engine, ab_output *made, size_t count);

#endif
