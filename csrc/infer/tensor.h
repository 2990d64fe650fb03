/* Where a graph finds a tensor. */
#ifndef AB_TENSOR_H
#define AB_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "infer/ab_gear.h"
#include "infer/ab_run.h"

void tensor_reset(ab_tensor *tensor);
int64_t tensors_point(ab_tensor *tensors, const ab_array *arrays, size_t count);

#endif
