/* Where an output of a dynamic graph comes out. */
#ifndef AB_SINK_H
#define AB_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl_types.h"
#include "infer/ab_engine.h"
#include "infer/ab_run.h"

/* An output's buffer, and its own memory: NULL and 0 where the library
 * allocates. Memory of the library's that could not be taken out of it, because
 * the call that does so failed, is left there for the next run or for the end. */
typedef struct ab_sink {
    aclDataBuffer *buffer;
    void *device;
    size_t room;
    int isLent; /* the buffer says an array of the caller's, for all we know */
    void *left;
} ab_sink;

int64_t sink_clear(ab_sink *sink, size_t index);
int64_t sink_lend(ab_sink *sink, size_t index, const ab_array *wanted);
int64_t sink_read(ab_sink *sink, const ab_engine *e, size_t index, const ab_array *wanted,
                  ab_output *output);
int64_t sink_drop(ab_sink *sink, size_t index, const ab_array *wanted);
aclError sink_release(ab_sink *sink);

#endif
