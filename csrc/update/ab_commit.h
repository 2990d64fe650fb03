/*
 * Writing the variables: commits, and the copies that undo them.
 */
#ifndef AB_COMMIT_CALLS_H
#define AB_COMMIT_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "infer/ab_engine.h"

/* A part of the variables' memory. */
typedef struct ab_range {
    size_t offset;
    size_t nbytes;
} ab_range;

/* What some ranges held, packed in their order. */
typedef struct ab_saved {
    const ab_engine *engine;
    char *variables;
    char *copy;
    int onHost;
    const ab_range *ranges;
    size_t count;
} ab_saved;

int64_t ab_save(const ab_saved *to);

/* What a commit does: runs a graph, or with none puts saved ranges in place. */
typedef struct ab_commit_plan {
    ab_engine *engine;
    const ab_saved *source;
    const ab_saved *undo;
    int waitMs;
    int defines;
    int defined;
    int hold;
    int64_t undone;
} ab_commit_plan;

int64_t ab_commit(ab_commit_plan *plan);
int64_t ab_write(ab_engine *engine, const ab_saved *source);

#endif
