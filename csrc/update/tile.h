/* A tile of a matrix that is read along one axis and written along another. */
#ifndef AB_TILE_H
#define AB_TILE_H

#include <stddef.h>
#include <stdint.h>

enum { TILE_LINES = 64, TILE_ACROSS = 64 }; /* at most, in elements */
enum { TILE_LEAST = 16 };                   /* elements, a cache line or less */

/*
 * Rows of a matrix lie dstRow apart in dst and rowStride apart in the source;
 * the elements of a row follow one another in dst, and lie at of[j] in the
 * source.
 */
typedef struct tile {
    size_t itemsize, dstRow;
    int64_t rowStride;
    size_t rows, cols;
    int64_t of[TILE_ACROSS];
} tile;

void tile_copy(const tile *t, char *dst, const char *src);
void tile_fetch(const tile *t, const char *src, const int64_t *of);

#endif
