/*
 * model_memory: the memory that a model uses by itself.
 *
 * Beside inputs and outputs a run reads the weights and the variables and
 * writes the work memory. The program can write or free the memory that it
 * lent at any time, so each run claims that memory; the library's own has no
 * address that a program could know. ONNX Runtime has the weights' values
 * since the load: bytes that are written there make a new engine necessary.
 */
#ifndef FAKE_MODEL_MEMORY_H
#define FAKE_MODEL_MEMORY_H

#include "memory/written.h"
#include "model/model.h"

/* A range that the user lent, as a run of the model uses it. */
struct Lent {
    Claim claim;
    unsigned char *bytes;       /* behind the device address */
    Watch watch;                /* of weights; size 0: none */
};

/*
 * Notes what a model whose memory is all found was lent, and keeps what a
 * new engine is made of. 0, or a raw status.
 */
int model_lent_take(Model *model);

/* Forgets it; a model without is fine. */
void model_lent_free(Model *model);

/*
 * Checks that the memory which the user lent to a model is still there, and
 * lets bytes count that were written into its weights: 0, or a status.
 */
int model_check_memory(Model *model);

/*
 * Keeps a violation that names the variables which a model reads and which
 * were never written. The model runs all the same: it does on a device, and
 * nothing but its result is wrong.
 */
void model_check_variables(Model *model);

#endif
