#include "image/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 11, ONE = 1 << BITS };

/* Two neighbours in a row or column, and the share of the second. */
typedef struct Pair {
    uint32_t first;
    uint32_t second;
    int32_t share;
} Pair;

static Pair pair_at(uint32_t i, double scale, uint32_t size, Algorithm algorithm)
{
    bool whole = algorithm >= RESIZE_BILINEAR_TF;
    double at = whole ? i * scale : (i + 0.5) * scale - 0.5;
    double last = (double)size - 1;

    at = at < 0 ? 0 : at > last ? last : at;
    uint32_t first = (uint32_t)at;
    uint32_t second = first + 1 < size ? first + 1 : first;
    return (Pair){first, second, (int32_t)lrint((at - first) * ONE)};
}

static Pair nearest_at(uint32_t i, double scale, uint32_t size)
{
    uint32_t at = (uint32_t)(i * scale);

    at = at < size ? at : size - 1;
    return (Pair){at, at, 0};
}

static Pair choose(uint32_t i, double scale, uint32_t size, Algorithm algorithm)
{
    bool nearest = algorithm == RESIZE_NEAREST || algorithm == RESIZE_NEAREST_TF;

    return nearest ? nearest_at(i, scale, size) : pair_at(i, scale, size, algorithm);
}

static void blend_row(const Component *from, const Component *to, const Pair *columns, Pair row,
                      unsigned char *into)
{
    const unsigned char *upper = from->at + row.first * from->pitch;
    const unsigned char *lower = from->at + row.second * from->pitch;

    for (uint32_t x = 0; x < to->width; x++, into += to->step) {
        size_t left = columns[x].first * from->step;
        size_t right = columns[x].second * from->step;
        int32_t share = columns[x].share;
        int32_t above = upper[left] * (ONE - share) + upper[right] * share;
        int32_t below = lower[left] * (ONE - share) + lower[right] * share;
        int64_t sum = (int64_t)above * (ONE - row.share) + (int64_t)below * row.share;
        *into = (unsigned char)((sum + (1 << (2 * BITS - 1))) >> (2 * BITS));
    }
}

static void copy_row(const unsigned char *from, size_t step, unsigned char *into, size_t into_step,
                     uint32_t count)
{
    if (step == 1 && into_step == 1) {
        memmove(into, from, count);
        return;
    }
    for (uint32_t x = 0; x < count; x++)
        into[x * into_step] = from[x * step];
}

static void copy(const Component *from, const Component *to)
{
    for (uint32_t y = 0; y < to->height; y++)
        copy_row(from->at + y * from->pitch, from->step, to->at + y * to->pitch, to->step,
                 to->width);
}

static bool is_one(double scale)
{
    return fabs(scale - 1) < 1e-9;
}

bool resample(const Component *from, const Component *to, double across, double down,
              Algorithm algorithm)
{
    if (is_one(across) && is_one(down) && from->width >= to->width && from->height >= to->height) {
        copy(from, to);
        return true;
    }
    Pair *columns = malloc(to->width * sizeof *columns);
    if (columns == NULL)
        return false;
    for (uint32_t x = 0; x < to->width; x++)
        columns[x] = choose(x, across, from->width, algorithm);
    for (uint32_t y = 0; y < to->height; y++)
        blend_row(from, to, columns, choose(y, down, from->height, algorithm),
                  to->at + y * to->pitch);
    free(columns);
    return true;
}

void component_fill(const Component *to, unsigned char value)
{
    for (uint32_t y = 0; y < to->height; y++) {
        unsigned char *row = to->at + y * to->pitch;
        for (uint32_t x = 0; x < to->width; x++)
            row[x * to->step] = value;
    }
}
