/*
 * A transposed matrix is read along one axis and written along another, so
 * one of the two leaps. A tile of both is small enough that every cache line
 * it touches is used up before it goes.
 */

#include "update/tile.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
void tile_copy(const tile *t, char *dst, const char *src)
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

/* Asks for the cache lines of a tile that is copied later. */
void tile_fetch(const tile *t, const char *src, const int64_t *of)
{
    for (size_t k = 0; k < t->cols; k++) {
        for (size_t i = 0; i < t->rows; i += TILE_LEAST) {
            __builtin_prefetch(src + of[k] + (int64_t)i * t->rowStride);
        }
    }
}
