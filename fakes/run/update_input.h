/*
 * update_input: what one input of an update asks for.
 *
 * What a device does with an update input is the If of the update graph: a
 * shape with a zero in it keeps the weight, another one of rank 1 or more
 * assigns it, and of a scalar the value decides. Nothing there compares the
 * shape or the bytes with the weight's: here strict mode does, and faithful
 * mode copies as many bytes as there are.
 */
#ifndef FAKE_UPDATE_INPUT_H
#define FAKE_UPDATE_INPUT_H

#include "file/program.h"
#include "run/dataset.h"

/* What one input asks for. */
typedef struct Wish {
    bool assign;
    const void *from;           /* on the device, */
    const unsigned char *bytes; /* and what lies there */
    size_t size;
} Wish;

/* Decides about one input, and changes nothing: 0, or a status. */
int input_look(const Dataset *input, size_t index, const Tensor *variable, Wish *wish);

/*
 * The buffer that an assignment reads; NULL for one that keeps its weight,
 * and for a constant. Of a scalar the value decides later: it is read.
 */
const DataBuffer *update_source(const Dataset *input, const Assign *assign);

#endif
