/*
 * trans_shape: the shape of a tensor in another format, by GE's rules.
 */
#ifndef FAKE_TRANS_SHAPE_H
#define FAKE_TRANS_SHAPE_H

#include "run/tensor_desc.h"

/*
 * Converts the dims of a description. The caller frees shape->dims. 0, or
 * 145020 where GE has no rule, 145021 for the shape, 145022 for the type.
 */
int trans_shape(const TensorDesc *from, int format, Shape *shape);

#endif
