/*
 * A cube takes C0 channels at a time: 32 of one byte, 16 of any other type;
 * and Ni is 16. Into formats that split a dim there is one way, out of them
 * there are many: GE converts no shape back.
 *
 *     NC1HWC0     N, C1, H, W, C0
 *     FRACTAL_Z   C1*H*W, No, Ni, C0
 *     FRACTAL_NZ  ..., W1, H1, 16, C0     of the last two dims H and W
 */
#include "trans_shape.h"

#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "message.h"
#include "numeric.h"

enum { FORMAT_CHWN = 14, CUBE = 16, PRIMARY = 0xff };

#define ELEMENTS_MAX (INT64_C(1) << 40)

/* Where N, C, H and W stand in a format of four plain dims; NULL: none. */
static const char *axes_of(int format)
{
    switch (format) {
    case ACL_FORMAT_NCHW: return "NCHW";
    case ACL_FORMAT_NHWC: return "NHWC";
    case ACL_FORMAT_HWCN: return "HWCN";
    case FORMAT_CHWN: return "CHWN";
    default: return NULL;
    }
}

static int64_t axis(const Shape *shape, const char *axes, char name)
{
    return shape->dims[strchr(axes, name) - axes];
}

static int64_t ceiling(int64_t dim, int64_t by)
{
    return dim / by + (dim % by != 0);
}

/* GE takes no shape of more than 2^40 elements, and none without dims. */
static bool valid(const Shape *shape)
{
    int64_t count = 1;

    for (size_t i = 0; i < shape->rank; i++) {
        int64_t dim = shape->dims[i];
        if (dim < 0 || (dim > 0 && ELEMENTS_MAX / dim < count))
            return false;
        count *= dim;
    }
    return shape->rank > 0;
}

static int refuse_shape(const char *what)
{
    return refuse(E_GE_SHAPE, "the %s shape has no dims, an open dim, too "
                  "many elements, or not the 4 dims of its format", what);
}

static int keep(const int64_t *dims, size_t rank, Shape *to)
{
    if (!valid(&(Shape){rank, (int64_t *)dims}))
        return refuse_shape("converted");
    return shape_set(to, dims, rank) ? E_NONE : E_BAD_ALLOC;
}

static int transpose(const Shape *from, const char *axes, const char *to_axes,
                     Shape *to)
{
    int64_t dims[4];

    for (size_t i = 0; i < 4; i++)
        dims[i] = axis(from, axes, to_axes[i]);
    return keep(dims, 4, to);
}

static int to_5d(const Shape *from, const char *axes, int64_t c0, Shape *to)
{
    const int64_t dims[] = {axis(from, axes, 'N'),
                            ceiling(axis(from, axes, 'C'), c0),
                            axis(from, axes, 'H'), axis(from, axes, 'W'), c0};

    return keep(dims, 5, to);
}

/* A dim of 0 lets the others be of any size, so that products may overflow. */
static int to_fractal_z(const Shape *from, const char *axes, int64_t c0,
                        Shape *to)
{
    int64_t c1 = ceiling(axis(from, axes, 'C'), c0);
    int64_t plane = 0;
    const int64_t no = ceiling(axis(from, axes, 'N'), CUBE);

    if (__builtin_mul_overflow(axis(from, axes, 'H'), axis(from, axes, 'W'),
                               &plane) ||
        __builtin_mul_overflow(plane, c1, &plane))
        return refuse_shape("converted");
    const int64_t dims[] = {plane, no, CUBE, c0};
    return keep(dims, 4, to);
}

static int to_fractal_nz(const Shape *from, int64_t c0, Shape *to)
{
    size_t rank = from->rank;
    size_t front = rank > 2 ? rank - 2 : 0;
    int64_t *dims = calloc(front + 4, sizeof *dims);

    if (dims == NULL)
        return refuse(E_BAD_ALLOC, "no memory for %zu dims", front + 4);
    memcpy(dims, from->dims, front * sizeof *dims);
    dims[front] = ceiling(from->dims[rank - 1], c0);
    dims[front + 1] = rank > 1 ? ceiling(from->dims[rank - 2], CUBE) : 1;
    dims[front + 2] = CUBE;
    dims[front + 3] = c0;
    int status = keep(dims, front + 4, to);
    free(dims);
    return status;
}

/* Has GE a rule at all? */
static bool has_rule(int from, int to)
{
    const char *axes = axes_of(from);
    bool image = from == ACL_FORMAT_NCHW || from == ACL_FORMAT_NHWC;

    if (axes_of(to) != NULL)
        return axes != NULL && from != to;
    if (to == ACL_FORMAT_NC1HWC0)
        return image;
    if (to == ACL_FORMAT_FRACTAL_Z)
        return image || from == ACL_FORMAT_HWCN;
    return to == ACL_FORMAT_FRACTAL_NZ && (image || from == ACL_FORMAT_ND);
}

int trans_shape(const TensorDesc *from, int format, Shape *shape)
{
    const char *axes = axes_of(from->format & PRIMARY);
    int to = format & PRIMARY;
    size_t size = element_size(from->data_type);
    int64_t c0 = size == 1 ? 2 * CUBE : CUBE;

    if (from->format < 0 || format < 0 ||
        !has_rule(from->format & PRIMARY, to))
        return refuse(E_GE_FORMAT, "the graph engine converts no shape from "
                      "format %d to %d", from->format, format);
    if (axes_of(to) == NULL && size == 0)
        return refuse(E_GE_DATA_TYPE, "elements of data type %d have no size",
                      from->data_type);
    if (!valid(&from->shape) || (axes != NULL && from->shape.rank != 4))
        return refuse_shape("given");
    if (axes_of(to) != NULL)
        return transpose(&from->shape, axes, axes_of(to), shape);
    if (to == ACL_FORMAT_NC1HWC0)
        return to_5d(&from->shape, axes, c0, shape);
    if (to == ACL_FORMAT_FRACTAL_Z)
        return to_fractal_z(&from->shape, axes, c0, shape);
    return to_fractal_nz(&from->shape, c0, shape);
}
