/*
 * What the runs of a dynamic graph keep.
 */
#ifndef AB_SHAPES_CALLS_H
#define AB_SHAPES_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "infer/ab_engine.h"

typedef struct ab_shapes ab_shapes;

ab_shapes *ab_shapes_new(ab_engine *engine, size_t inCount, size_t outCount);
void ab_shapes_input(ab_shapes *shapes, size_t index, aclDataBuffer *buffer, aclDataType type);
void ab_shapes_output(ab_shapes *shapes, size_t index, aclDataBuffer *buffer, void *device,
                      size_t room);
aclError ab_shapes_release(ab_shapes *shapes);
void ab_shapes_free(ab_shapes *shapes);

#endif
