/*
 * Descriptions of tensors, into their rows.
 */
#ifndef AB_TENSOR_H
#define AB_TENSOR_H

#include "wire/rows.h"

#pragma GCC visibility push(hidden)

/* Reads a description (TensorDescriptor). */
tensor_reader read_desc;

/*
 * The same: 1 + its row, which is that of the same bytes where they were read before; 0: a
 * limit is met.
 */
uint64_t read_shared_desc(walk *w, uint64_t at, uint64_t end);

/* Reads a tensor with its value (TensorDef). */
tensor_reader read_tensor;

#pragma GCC visibility pop

#endif
