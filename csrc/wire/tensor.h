/*
 * Descriptions of tensors, into their rows.
 */
#ifndef AB_TENSOR_H
#define AB_TENSOR_H

#include "wire/rows.h"

#pragma GCC visibility push(hidden)

/* Reads a description (TensorDescriptor). */
tensor_reader read_desc;

/* Reads a tensor with its value (TensorDef). */
tensor_reader read_tensor;

#pragma GCC visibility pop

#endif
