/*
 * Descriptions of tensors, into their rows.
 */
#ifndef AB_TENSOR_H
#define AB_TENSOR_H

#include "wire/rows.h"

#pragma GCC visibility push(hidden)

/* Reads a description (TensorDescriptor). */
tensor_reader read_desc;

/* The same, into a new row; a description that was read before is not read again. */
void read_new_desc(walk *w, uint64_t at, uint64_t end, uint64_t row);

/* Reads a tensor with its value (TensorDef). */
tensor_reader read_tensor;

#pragma GCC visibility pop

#endif
