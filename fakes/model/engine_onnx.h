/*
 * engine_onnx: an inference graph, run by ONNX Runtime.
 *
 * The session is made when the model is loaded. Its inputs are the model's
 * inputs and the bundle's variables, so new weights need no new session; its
 * external constants are handed over once. A value is made for each address
 * it is given and kept until another address comes.
 */
#ifndef FAKE_ENGINE_ONNX_H
#define FAKE_ENGINE_ONNX_H

#include "file/program.h"
#include "model/blob.h"

typedef struct Engine Engine;

/* What a run gave that had no buffer: bytes and shape, until the next run. */
typedef struct Result {
    const unsigned char *bytes;
    size_t size;
    size_t rank;
    int64_t dims[128];
    int data_type;
} Result;

/*
 * Makes a session. constants and variables are the bytes of each of the
 * program's; all must stay where they are. times: NULL, or how the path of a
 * file with the times of its runs begins (engine_times.h). 0, or the status
 * of a load.
 */
int engine_open(const Program *program, unsigned char *const *constants,
                unsigned char *const *variables, const char *times, Engine **engine);

/*
 * Ends the measuring of an engine that was opened for it: the path of the
 * file, which the caller frees, or NULL after a message.
 */
char *engine_end_times(Engine *engine);

/*
 * Computes. Inputs and outputs count as the model's do. Outputs with bytes
 * are written in place; the others, in order of outputs, can be asked for
 * with engine_result(). 0, or the status of a failed execution.
 */
int engine_run(Engine *engine, const Blob *inputs, const Blob *outputs);

/* What output i gave in the last run. False when it cannot be described. */
bool engine_result(Engine *engine, size_t i, Result *result);

/* Drops the values of inputs and outputs: the next run has other shapes. */
void engine_forget(Engine *engine);

/* Ends a session; NULL is nothing. */
void engine_close(Engine *engine);

#endif
