/*
 * A cube takes C0 channels at a time: 32 of one byte, 16 of any other type;
 * and Ni is 16. Into formats that split a dim there is one way, out of them
 * there are many: GE converts no shape back.
 *
 *     NC1HWC0     N, C1, H, W, C0
 *     FRACTAL_Z   C1*H*W, No, Ni, C0
 *     FRACTAL_Z_C04   C*H*W / C0, N / C0, C0, C0
 *     FRACTAL_Z_3D    D*C1*H*W, No, Ni, C0
 *     FRACTAL_NZ  ..., W1, H1, 16, C0     of the last two dims H and W
 *     FRACTAL_ZZ  ..., H1, W1, C0, C0
 */
#include "run/trans_shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/codes.h"
#include "call/message.h"
#include "file/numeric.h"

/* Of GE's formats those that ACL's header does not name. */
enum { FORMAT_FRACTAL_Z_C04 = 13, FORMAT_CHWN = 14, FORMAT_FRACTAL_ZZ = 28, FORMAT_DHWCN = 31 };

enum { CUBE = 16, PRIMARY = 0xff };

#define ELEMENTS_MAX (INT64_C(1) << 40)

/* Where N, C, H and W stand in a format of four plain dims; NULL: none. */
static const char *axes_of(int format)
{
    switch (format) {
    case ACL_FORMAT_NCHW:
        return "NCHW";
    case ACL_FORMAT_NHWC:
        return "NHWC";
    case ACL_FORMAT_HWCN:
        return "HWCN";
    case FORMAT_CHWN:
        return "CHWN";
    default:
        return NULL;
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
    return refuse(E_GE_SHAPE,
                  "the %s shape has no dims, an open dim, too "
                  "many elements, or not as many dims as its format",
                  what);
}

static int keep(const int64_t *dims, size_t rank, Shape *to)
{
    if (!valid(&(Shape){rank, (int64_t *)dims}))
        return refuse_shape("converted");
    return shape_set(to, dims, rank) ? E_NONE : E_BAD_ALLOC;
}

static int transpose(const Shape *from, const char *axes, const char *to_axes, Shape *to)
{
    int64_t dims[4];

    for (size_t i = 0; i < 4; i++)
        dims[i] = axis(from, axes, to_axes[i]);
    return keep(dims, 4, to);
}

static int to_5d(const Shape *from, const char *axes, int64_t c0, Shape *to)
{
    const int64_t dims[] = {axis(from, axes, 'N'), ceiling(axis(from, axes, 'C'), c0),
                            axis(from, axes, 'H'), axis(from, axes, 'W'), c0};

    return keep(dims, 5, to);
}

/* A dim of 0 lets the others be of any size, so that products may overflow. */
static bool product_of(const int64_t *factor, size_t count, int64_t *product)
{
    *product = 1;
    for (size_t i = 0; i < count; i++)
        if (__builtin_mul_overflow(*product, factor[i], product))
            return false;
    return true;
}

static int to_fractal_z(const Shape *from, const char *axes, int64_t c0, Shape *to)
{
    const int64_t factors[] = {axis(from, axes, 'H'), axis(from, axes, 'W'),
                               ceiling(axis(from, axes, 'C'), c0)};
    int64_t plane;

    if (!product_of(factors, 3, &plane))
        return refuse_shape("converted");
    const int64_t dims[] = {plane, ceiling(axis(from, axes, 'N'), CUBE), CUBE, c0};
    return keep(dims, 4, to);
}

/* Of up to four channels, which are padded together with their plane. */
static int to_fractal_z_c04(const Shape *from, int64_t c0, Shape *to)
{
    int64_t plane;

    if (!product_of(from->dims + 1, 3, &plane))
        return refuse_shape("converted");
    const int64_t dims[] = {ceiling(plane, c0), ceiling(from->dims[0], c0), c0, c0};
    return keep(dims, 4, to);
}

/* From D, H, W, C, N. */
static int to_fractal_z_3d(const Shape *from, int64_t c0, Shape *to)
{
    const int64_t factors[] = {from->dims[0], ceiling(from->dims[3], c0), from->dims[1],
                               from->dims[2]};
    int64_t plane;

    if (!product_of(factors, 4, &plane))
        return refuse_shape("converted");
    const int64_t dims[] = {plane, ceiling(from->dims[4], CUBE), CUBE, c0};
    return keep(dims, 4, to);
}

/* FRACTAL_NZ or FRACTAL_ZZ, of whose cubes both sides are c0. */
static int to_fractal_nz(const Shape *from, int64_t c0, bool zz, Shape *to)
{
    int64_t side = zz ? c0 : CUBE;
    size_t rank = from->rank;
    size_t front = rank > 2 ? rank - 2 : 0;
    int64_t *dims = calloc(front + 4, sizeof *dims);

    if (dims == NULL)
        return refuse(E_BAD_ALLOC, "no memory for %zu dims", front + 4);
    memcpy(dims, from->dims, front * sizeof *dims);
    dims[front + zz] = ceiling(from->dims[rank - 1], c0);
    dims[front + !zz] = rank > 1 ? ceiling(from->dims[rank - 2], side) : 1;
    dims[front + 2] = side;
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
    if (to == FORMAT_FRACTAL_Z_C04)
        return from == ACL_FORMAT_NCHW;
    if (to == ACL_FRACTAL_Z_3D)
        return from == FORMAT_DHWCN;
    return (to == ACL_FORMAT_FRACTAL_NZ || to == FORMAT_FRACTAL_ZZ) &&
           (image || from == ACL_FORMAT_ND);
}

/* How many dims a format has; 0: any. */
static size_t rank_of(int format)
{
    return axes_of(format) != NULL ? 4 : format == FORMAT_DHWCN ? 5 : 0;
}

static int convert(const Shape *from, const char *axes, int to, int64_t c0, Shape *shape)
{
    switch (to) {
    case ACL_FORMAT_NC1HWC0:
        return to_5d(from, axes, c0, shape);
    case ACL_FORMAT_FRACTAL_Z:
        return to_fractal_z(from, axes, c0, shape);
    case FORMAT_FRACTAL_Z_C04:
        return to_fractal_z_c04(from, c0, shape);
    case ACL_FRACTAL_Z_3D:
        return to_fractal_z_3d(from, c0, shape);
    default:
        return to_fractal_nz(from, c0, to == FORMAT_FRACTAL_ZZ, shape);
    }
}

int trans_shape(const TensorDesc *from, int format, Shape *shape)
{
    const char *axes = axes_of(from->format & PRIMARY);
    int to = format & PRIMARY;
    size_t size = element_size(from->data_type);
    int64_t c0 = size == 1 ? 2 * CUBE : CUBE;

    if (from->format < 0 || format < 0 || !has_rule(from->format & PRIMARY, to))
        return refuse(E_GE_FORMAT,
                      "the graph engine converts no shape from "
                      "format %d to %d",
                      from->format, format);
    if (axes_of(to) == NULL && size == 0)
        return refuse(E_GE_DATA_TYPE, "elements of data type %d have no size", from->data_type);
    size_t rank = rank_of(from->format & PRIMARY);
    if (!valid(&from->shape) || (rank > 0 && from->shape.rank != rank))
        return refuse_shape("given");
    if (axes_of(to) != NULL)
        return transpose(&from->shape, axes, axes_of(to), shape);
    return convert(&from->shape, axes, to, c0, shape);
}
