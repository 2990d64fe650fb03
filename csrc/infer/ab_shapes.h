/*
 * Runs of graphs whose shapes are known only then.
 */
#ifndef AB_SHAPES_CALLS_H
#define AB_SHAPES_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "infer/ab_engine.h"

enum { AB_RANK_MAX = 128 };

/* An input of one run, in host memory. */
typedef struct ab_input {
    const void *data;
    size_t nbytes;
    int rank;
    const int64_t *dims;
} ab_input;

/* An output of one run; data is for ab_host_free. */
typedef struct ab_output {
    char *data;
    size_t nbytes;
    size_t rank;
    int64_t dims[AB_RANK_MAX];
} ab_output;

typedef struct ab_shapes ab_shapes;

ab_shapes *ab_shapes_new(ab_engine *engine, size_t inCount, size_t outCount);
void ab_shapes_input(ab_shapes *shapes, size_t index, aclDataBuffer *buffer, aclDataType type);
void ab_shapes_output(ab_shapes *shapes, size_t index, aclDataBuffer *buffer, int libraryAllocates);
aclError ab_shapes_release(ab_shapes *shapes);
void ab_shapes_free(ab_shapes *shapes);
int64_t ab_run_shapes(ab_shapes *shapes, const ab_input *in, ab_output *out);
void ab_host_free(char *data);

#endif
