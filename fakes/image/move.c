#include "image/move.h"

#include <stdlib.h>

#include "image/colour.h"

/* How many samples of one component make one of another. */
static double scale(uint32_t from, unsigned from_halved, uint32_t to, unsigned to_halved)
{
    return ((double)from / (1u << from_halved)) / ((double)to / (1u << to_halved));
}

static bool move_component(const View *from, const View *to, int which, Algorithm algorithm)
{
    const Component *source = &from->component[which];
    const Component *target = &to->component[which];

    if (target->at == NULL)
        return true;
    if (source->at == NULL) {
        component_fill(target, which == ALPHA ? 0 : 128);
        return true;
    }
    return resample(source, target, scale(from->width, source->across, to->width, target->across),
                    scale(from->height, source->down, to->height, target->down), algorithm);
}

static bool move_alike(const View *from, const View *to, Algorithm algorithm)
{
    bool done = true;

    for (int i = 0; done && i < COMPONENTS; i++)
        done = move_component(from, to, i, algorithm);
    return done;
}

bool view_move(const View *from, const View *to, Algorithm algorithm, unsigned matrix)
{
    unsigned char *memory;
    View between;

    if (from->model == to->model)
        return move_alike(from, to, algorithm);
    if (!view_new(from->model, to->width, to->height, &between, &memory))
        return false;
    bool done = move_alike(from, &between, algorithm);
    if (done) {
        colour_convert(&between, matrix);
        done = move_alike(&between, to, RESIZE_BILINEAR);
    }
    free(memory);
    return done;
}

/* The sample inside that stands for one at a place which may lie outside. */
static uint32_t inside(int64_t at, uint32_t first, uint32_t count, Edge edge)
{
    int64_t low = first;
    int64_t high = low + count - 1;

    if (edge == EDGE_REPLICATE || count == 1)
        return (uint32_t)(at < low ? low : at > high ? high : at);
    int64_t skip = edge == EDGE_REFLECT_101 ? 0 : 1;
    while (at < low || at > high)
        at = at < low ? 2 * low - skip - at : 2 * high + skip - at;
    return (uint32_t)at;
}

static void border_component(const Component *one, const Border *border, unsigned char value)
{
    uint32_t left = border->left >> one->across;
    uint32_t top = border->top >> one->down;
    uint32_t width = one->width - left - (border->right >> one->across);
    uint32_t height = one->height - top - (border->bottom >> one->down);

    for (uint32_t y = 0; y < one->height; y++) {
        unsigned char *row = one->at + y * one->pitch;
        for (uint32_t x = 0; x < one->width; x++) {
            if (x - left < width && y - top < height)
                continue;
            const unsigned char *from = one->at +
                                        inside(y, top, height, border->edge) * one->pitch +
                                        inside(x, left, width, border->edge) * one->step;
            row[x * one->step] = border->edge == EDGE_CONSTANT ? value : *from;
        }
    }
}

void view_border(const View *view, const Border *border)
{
    for (int i = 0; i < COMPONENTS; i++)
        if (view->component[i].at != NULL)
            border_component(&view->component[i], border, border->value[i]);
}
