/*
 * run: one run of a model, and what its two executors share.
 *
 * The static one knows every size beforehand: it counts, compares, and lets
 * the engine write outputs in place. The dynamic one takes the shapes of the
 * inputs from the dataset's descriptions and learns those of the outputs
 * from the run. Both look at every buffer through the tables of objects and
 * of memory, so that no wrong pointer gets further than that.
 */
#ifndef FAKE_RUN_H
#define FAKE_RUN_H

#include "model/model.h"
#include "run/dataset.h"

typedef struct Run {
    Model *model;               /* held; claimed while it runs */
    Dataset *input;
    Dataset *output;
    const aclmdlDataset *output_handle;
    Blob *input_blob;           /* of this run, one for each input */
    Blob *output_blob;
    GearRun *gear;              /* of this run, NULL: the model has no gears */
    bool looks;                 /* only checks: computes nothing */
    bool looked;                /* the call that queued it has checked */
    bool repeats;               /* all checks would find what they last did */
} Run;

/* The executors: 0, or the status of the execution. */
int run_static(const Run *run);
int run_dynamic(const Run *run);

/* Lets the model's program compute with the blobs that are set. */
int run_compute(const Run *run);

/* A tensor of the model, as yet without bytes. */
Blob run_blob(const TensorInfo *info);

/*
 * Finds the bytes behind a buffer, of which a tensor needs so many: 0, or
 * the status of a violation that says which input or output it is.
 */
int run_bytes(const DataBuffer *buffer, size_t need, Blob *blob, const char *what, size_t index);

/* Gives an output memory that is from then on the user's: 0, or a status. */
int run_give_memory(const Model *model, DataBuffer *buffer, size_t need);

/* Refuses a buffer that is too small. */
int run_refuse_size(const char *what, size_t index, size_t given, size_t need);

/* Tells what an output is, in a description that the dataset owns. */
int run_describe(const Run *run, size_t index, const int64_t *dims, size_t rank);

#endif
