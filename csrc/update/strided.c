/*
 * Gathers the elements of a view, in C order: line by line where the last axis
 * is contiguous, else by tiles of the matrix that the axes in question are.
 */

#include "update/strided.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "update/tile.h"

/* Leaves out axes of one, and joins those that follow one another in memory. */
strided strided_of(const void *src, size_t itemsize, size_t rank, const size_t *dims,
                   const int64_t *strides)
{
    strided v = {src, itemsize, 0, {0}, {0}};
    for (size_t i = 0; i < rank; i++) {
        size_t last = v.rank - 1; /* not read while there is none */
        if (dims[i] == 1) {
            continue;
        }
        if (v.rank > 0 && v.strides[last] == strides[i] * (int64_t)dims[i]) {
            v.dims[last] *= dims[i];
            v.strides[last] = strides[i];
            continue;
        }
        v.dims[v.rank] = dims[i];
        v.strides[v.rank] = strides[i];
        v.rank++;
    }
    return v;
}

/* Elements of all axes from one on. */
size_t strided_count(const strided *v, size_t axis)
{
    size_t count = 1;
    for (size_t i = axis; i < v->rank; i++) {
        count *= v->dims[i];
    }
    return count;
}

/* Whether the elements of the last axis lie side by side. */
int strided_runs(const strided *v)
{
    return v->strides[v->rank - 1] == (int64_t)v->itemsize;
}

/* The axis, before the last, along which the source is read in small steps. */
size_t strided_lines(const strided *v)
{
    size_t best = v->rank - 2;
    for (size_t i = 0; i + 1 < v->rank; i++) {
        if (llabs(v->strides[i]) < llabs(v->strides[best])) {
            best = i;
        }
    }
    return best;
}

/* Where the next element of the axes from one on lies: at is counted up. */
static int64_t strided_next(const strided *v, size_t axis, size_t *at, int64_t offset)
{
    for (size_t i = v->rank; i-- > axis;) {
        offset += v->strides[i];
        if (++at[i] < v->dims[i]) {
            break;
        }
        offset -= v->strides[i] * (int64_t)v->dims[i];
        at[i] = 0;
    }
    return offset;
}

/* The places in the source of the next columns, of which at counts. */
static void columns_next(const strided *v, size_t lines, size_t *at, int64_t *offset, int64_t *of)
{
    for (size_t k = 0; k < TILE_ACROSS; k++) {
        of[k] = *offset;
        *offset = strided_next(v, lines + 1, at, *offset);
    }
}

/*
 * Gathers axis lines and those after it: a matrix, whose columns are all
 * elements of the axes after lines. After the last column the places start
 * over, so what is asked for early is always inside the view.
 */
static void gather_matrix(const strided *v, char *dst, const char *src, size_t lines)
{
    size_t count = strided_count(v, lines + 1), at[AB_GATHER_RANK] = {0};
    tile t = {v->itemsize, count * v->itemsize, v->strides[lines], 0, 0, {0}};
    int64_t offset = 0, next[TILE_ACROSS];
    columns_next(v, lines, at, &offset, next);
    for (size_t j = 0; j < count; j += t.cols) {
        t.cols = count - j < TILE_ACROSS ? count - j : TILE_ACROSS;
        memcpy(t.of, next, sizeof next);
        columns_next(v, lines, at, &offset, next);
        for (size_t i = 0; i < v->dims[lines]; i += t.rows) {
            size_t left = v->dims[lines] - i;
            const char *from = src + (int64_t)i * t.rowStride;
            t.rows = left < TILE_LINES ? left : TILE_LINES;
            tile_fetch(&t, from, next);
            tile_copy(&t, dst + i * t.dstRow + j * t.itemsize, from);
        }
    }
}

/* Gathers axes from axis on; lines goes with all those after it. */
static void gather_axes(const strided *v, char *dst, const char *src, size_t axis, size_t lines)
{
    if (axis == lines) {
        gather_matrix(v, dst, src, lines);
        return;
    }
    for (size_t i = 0; i < v->dims[axis]; i++) {
        gather_axes(v, dst, src, axis + 1, lines);
        dst += v->itemsize * strided_count(v, axis + 1);
        src += v->strides[axis];
    }
}

/* Gathers axes from axis on, of which the last is contiguous. */
static void gather_runs(const strided *v, char *dst, const char *src, size_t axis)
{
    size_t nbytes = v->itemsize * strided_count(v, axis + 1);
    if (axis == v->rank - 1) {
        memcpy(dst, src, v->dims[axis] * v->itemsize);
        return;
    }
    for (size_t i = 0; i < v->dims[axis]; i++) {
        gather_runs(v, dst + i * nbytes, src, axis + 1);
        src += v->strides[axis];
    }
}

/* Gathers a whole view. */
void strided_gather(const strided *v, char *dst)
{
    if (v->rank == 0) {
        memcpy(dst, v->data, v->itemsize);
    } else if (strided_runs(v)) {
        gather_runs(v, dst, v->data, 0);
    } else if (v->rank == 1) { /* a matrix of one row */
        strided row = {v->data, v->itemsize, 2, {1, v->dims[0]}, {0, v->strides[0]}};
        gather_matrix(&row, dst, v->data, 0);
    } else {
        gather_axes(v, dst, v->data, 0, strided_lines(v));
    }
}
