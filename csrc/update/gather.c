/*
 * A view has dims and strides, in bytes, of any sign. Its elements cross in C
 * order: gathered into the staging buffer a slab at a time, converted and
 * counted there while they lie in the cache, and copied from there.
 *
 * A transposed matrix is read along one axis and written along another, so
 * one of the two leaps. A tile of both is small enough that every cache line
 * it touches is used up before it goes.
 */

#include "update/ab_gather.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl_types.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "numbers/ab_convert.h"
#include "numbers/moves.h"
#include "update/send.h"
#include "update/stage.h"

enum { GATHER_LINES = 64, GATHER_ACROSS = 64 }; /* a tile, in elements */
enum { GATHER_LEAST = 16 };                     /* elements, a cache line or less */

/* A view whose axes are as few as they can be. */
typedef struct strided {
    const char *data;
    size_t itemsize;
    size_t rank;
    size_t dims[AB_GATHER_RANK];
    int64_t strides[AB_GATHER_RANK];
} strided;

/* Leaves out axes of one, and joins those that follow one another in memory. */
static strided strided_of(const void *src, size_t itemsize, size_t rank, const size_t *dims,
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
static size_t strided_count(const strided *v, size_t axis)
{
    size_t count = 1;
    for (size_t i = axis; i < v->rank; i++) {
        count *= v->dims[i];
    }
    return count;
}

/*
 * Squares of elements that are turned in registers: the lines of one are four
 * or eight elements that lie side by side in the source, each at from + of[i].
 */
#if defined(__clang__)
#define MIX(type, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MIX(type, a, b, ...) __builtin_shuffle(a, b, (type){__VA_ARGS__})
#endif

typedef uint32_t four_words __attribute__((vector_size(16)));
typedef uint16_t eight_halves __attribute__((vector_size(16)));

static four_words words_at(const char *at)
{
    four_words v;
    memcpy(&v, at, sizeof v);
    return v;
}

/* Turns four by four elements of four bytes. */
static void turn_words(char *dst, size_t dstRow, const char *from, const int64_t *of)
{
    four_words a = words_at(from + of[0]), b = words_at(from + of[1]);
    four_words c = words_at(from + of[2]), d = words_at(from + of[3]);
    four_words ab = MIX(four_words, a, b, 0, 4, 1, 5);
    four_words AB = MIX(four_words, a, b, 2, 6, 3, 7);
    four_words cd = MIX(four_words, c, d, 0, 4, 1, 5);
    four_words CD = MIX(four_words, c, d, 2, 6, 3, 7);
    four_words rows[4] = {MIX(four_words, ab, cd, 0, 1, 4, 5), MIX(four_words, ab, cd, 2, 3, 6, 7),
                          MIX(four_words, AB, CD, 0, 1, 4, 5), MIX(four_words, AB, CD, 2, 3, 6, 7)};
    for (size_t i = 0; i < 4; i++) {
        memcpy(dst + i * dstRow, &rows[i], sizeof rows[i]);
    }
}

/* Turns eight by eight elements of two bytes: pairs, fours, then whole lines. */
static void turn_halves(char *dst, size_t dstRow, const char *from, const int64_t *of)
{
    eight_halves line[8], pair[8];
    for (size_t i = 0; i < 8; i++) {
        memcpy(&line[i], from + of[i], sizeof line[i]);
    }
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 4; i++) {
            pair[2 * i] = MIX(eight_halves, line[i], line[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
            pair[2 * i + 1] = MIX(eight_halves, line[i], line[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
        memcpy(line, pair, sizeof line);
    }
    for (size_t i = 0; i < 8; i++) {
        memcpy(dst + i * dstRow, &line[i], sizeof line[i]);
    }
}

/* A copy of one element; the sizes that dtypes have need no call. */
static void copy_item(char *dst, const char *src, size_t itemsize)
{
    switch (itemsize) {
    case 1:
        memcpy(dst, src, 1);
        break;
    case 2:
        memcpy(dst, src, 2);
        break;
    case 4:
        memcpy(dst, src, 4);
        break;
    case 8:
        memcpy(dst, src, 8);
        break;
    default:
        memcpy(dst, src, itemsize);
    }
}

/*
 * Rows of a matrix lie dstRow apart in dst and rowStride apart in the source;
 * the elements of a row follow one another in dst, and lie at of[j] in the
 * source.
 */
typedef struct tile {
    size_t itemsize, dstRow;
    int64_t rowStride;
    size_t rows, cols;
    int64_t of[GATHER_ACROSS];
} tile;

/* Copies rows and columns from a row and a column on, element by element. */
static void tile_plain(const tile *t, char *dst, const char *src, size_t row, size_t col,
                       size_t rows, size_t cols)
{
    for (size_t i = row; i < row + rows; i++) {
        const char *from = src + (int64_t)i * t->rowStride;
        char *to = dst + i * t->dstRow + col * t->itemsize;
        for (size_t j = col; j < col + cols; j++) {
            copy_item(to, from + t->of[j], t->itemsize);
            to += t->itemsize;
        }
    }
}

/* Copies a tile by squares, and what they leave by elements. */
static void tile_copy(const tile *t, char *dst, const char *src)
{
    size_t side = t->itemsize == 4 ? 4 : t->itemsize == 2 ? 8 : 0;
    size_t lines = 0, across = 0;
    if (side != 0 && t->rowStride == (int64_t)t->itemsize) {
        lines = t->rows - t->rows % side;
        across = t->cols - t->cols % side;
    }
    for (size_t i = 0; i < lines; i += side) {
        const char *from = src + i * t->itemsize;
        char *to = dst + i * t->dstRow;
        for (size_t j = 0; j < across; j += side) {
            if (side == 4) {
                turn_words(to + j * 4, t->dstRow, from, t->of + j);
            } else {
                turn_halves(to + j * 2, t->dstRow, from, t->of + j);
            }
        }
    }
    tile_plain(t, dst, src, 0, across, lines, t->cols - across);
    tile_plain(t, dst, src, lines, 0, t->rows - lines, t->cols);
}

/* Whether the elements of the last axis lie side by side. */
static int strided_runs(const strided *v)
{
    return v->strides[v->rank - 1] == (int64_t)v->itemsize;
}

/* The axis, before the last, along which the source is read in small steps. */
static size_t strided_lines(const strided *v)
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
    for (size_t k = 0; k < GATHER_ACROSS; k++) {
        of[k] = *offset;
        *offset = strided_next(v, lines + 1, at, *offset);
    }
}

/* Asks for the cache lines of a tile that is copied later. */
static void tile_fetch(const tile *t, const char *src, const int64_t *of)
{
    for (size_t k = 0; k < t->cols; k++) {
        for (size_t i = 0; i < t->rows; i += GATHER_LEAST) {
            __builtin_prefetch(src + of[k] + (int64_t)i * t->rowStride);
        }
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
    int64_t offset = 0, next[GATHER_ACROSS];
    columns_next(v, lines, at, &offset, next);
    for (size_t j = 0; j < count; j += t.cols) {
        t.cols = count - j < GATHER_ACROSS ? count - j : GATHER_ACROSS;
        memcpy(t.of, next, sizeof next);
        columns_next(v, lines, at, &offset, next);
        for (size_t i = 0; i < v->dims[lines]; i += t.rows) {
            size_t left = v->dims[lines] - i;
            const char *from = src + (int64_t)i * t.rowStride;
            t.rows = left < GATHER_LINES ? left : GATHER_LINES;
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
static void strided_gather(const strided *v, char *dst)
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

/* One weight on its way, slab by slab. */
typedef struct gathering {
    const transfer *t;
    enum ab_move move;
    size_t base;  /* of the weight in the area */
    size_t lines; /* the axis that the source is read along; rank without one */
    size_t pitch; /* elements from one line of a weight to the next */
    ab_counts *counts;
} gathering;

/* Bytes of the staging buffer that one slab may take before it is converted. */
static size_t gathering_room(const gathering *g)
{
    size_t size = g->t->stagingSize < AB_GATHER_SLAB ? g->t->stagingSize : AB_GATHER_SLAB;
    return move_converts(g->move) ? size / 3 * 2 : size;
}

/*
 * Gathers, converts and counts a slab, which fits, and sends it to element
 * place of the weight on: at once, or line by line where whole lines do not fit.
 */
static int64_t gathering_slab(const gathering *g, const strided *v, size_t place, int byLine)
{
    size_t count = strided_count(v, 0), size = v->itemsize;
    size_t sends = byLine ? v->dims[g->lines] : 1, each = count / sends;
    char *slab = g->t->staging;
    aclError status = ACL_SUCCESS;
    strided_gather(v, slab);
    if (move_converts(g->move)) {
        char *narrow = slab + gathering_room(g);
        ab_convert(g->move, narrow, slab, count, g->counts);
        slab = narrow;
        size = 2;
    } else if (move_counts(g->move)) {
        g->counts->nonfinite += ab_nonfinite(g->move, slab, count * size);
    }
    for (size_t i = 0; i < sends && status == ACL_SUCCESS; i++) {
        size_t offset = g->base + (place + i * g->pitch) * size;
        status = transfer_send(g->t, offset, slab + i * each * size, each * size);
    }
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_COPY_IN, 0, status);
}

/* How many of an axis stay together though the axes after it are cut. */
static size_t gathering_least(const gathering *g, const strided *v, size_t axis)
{
    size_t least = gathering_room(g) / v->itemsize;
    if (axis != g->lines) {
        return 1;
    }
    least = least < GATHER_LEAST ? least : GATHER_LEAST;
    return v->dims[axis] < least ? v->dims[axis] : least;
}

/*
 * Cuts a view along an axis until its pieces fit, and moves each. An element
 * of a transposed matrix brings a whole cache line: so the axis that the
 * source is read along is not cut below one.
 */
static int64_t gathering_cut(gathering *g, strided v, size_t axis, size_t place)
{
    size_t each = strided_count(&v, axis + 1), left = v.dims[axis];
    size_t lines = axis > g->lines ? v.dims[g->lines] : 1;
    size_t fit = gathering_room(g) / v.itemsize / each / lines;
    size_t least = gathering_least(g, &v, axis);
    int64_t result = 0;
    if (axis == g->lines) {
        g->pitch = each;
    }
    while (left > 0 && result == 0) {
        size_t most = fit < least ? least : fit;
        v.dims[axis] = left < most ? left : most;
        result = fit < least ? gathering_cut(g, v, axis + 1, place)
                             : gathering_slab(g, &v, place, axis > g->lines);
        v.data += (int64_t)v.dims[axis] * v.strides[axis];
        place += v.dims[axis] * each;
        left -= v.dims[axis];
    }
    return result;
}

/*
 * Moves weight index from a view of at most AB_GATHER_RANK axes, none of them
 * empty, to its place, in C order; see ab_stage_move for area and moves, of
 * which none but a conversion changes the size of an element. staging holds an
 * element of the view and what it is converted to, and is as fast as it can be
 * with AB_GATHER_SLAB. Returns 0 or a failure with index 0.
 */
int64_t ab_stage_gather(ab_stage *stage, void *area, void *staging, size_t stagingSize,
                        size_t index, enum ab_move move, const void *src, size_t itemsize,
                        size_t rank, const size_t *dims, const int64_t *strides, ab_counts *counts)
{
    transfer t = {stage, area, staging, stagingSize, NULL, NULL, NULL, NULL, 0};
    strided v = strided_of(src, itemsize, rank, dims, strides);
    gathering g = {&t, move, stage->weights[index].offset, v.rank, 0, counts};
    ab_visit visit;
    int64_t result = stage_enter(stage, &visit);
    if (v.rank > 1 && !strided_runs(&v)) {
        g.lines = strided_lines(&v);
    }
    if (result == 0) {
        result = v.rank == 0 ? gathering_slab(&g, &v, 0, 0) : gathering_cut(&g, v, 0, 0);
        ab_context_leave(&visit);
    }
    return result;
}
