#include "image/view.h"

#include <stdlib.h>

static uint32_t halved(uint32_t size, unsigned times)
{
    return (size + times) >> times;
}

/* The bytes from a sample to the next, in the plane of a component. */
static size_t step_of(const Layout *layout, int which)
{
    switch (layout->placing) {
    case PLACED_SEMI:
        return which == 0 ? 1 : 2;
    case PLACED_PAIRS:
        return which == 0 ? 2 : 4;
    default:
        return layout->row;
    }
}

static Component component_of(const Layout *layout, int which, const View *view, uint32_t stride,
                              uint32_t rows)
{
    unsigned char *bytes = view->component[0].at;
    bool chroma = layout->model == MODEL_YUV && which > 0;
    Component made = {.step = step_of(layout, which), .pitch = stride};

    if (layout->at[which] < 0)
        return (Component){0};
    made.at = bytes + layout->at[which];
    made.across = chroma ? layout->across : 0;
    made.down = chroma ? layout->down : 0;
    made.width = halved(view->width, made.across);
    made.height = halved(view->height, made.down);
    if (layout->placing == PLACED_SEMI && chroma) {
        made.at += (size_t)stride * rows;
        made.pitch = (size_t)stride << (1 - layout->across);
    }
    return made;
}

View view_of(const Layout *layout, unsigned char *bytes, uint32_t width, uint32_t height,
             uint32_t width_stride, uint32_t height_stride)
{
    View view = {.model = layout->model, .width = width, .height = height};

    for (int i = COMPONENTS; i-- > 0;) {
        view.component[0].at = bytes;
        view.component[i] = component_of(layout, i, &view, width_stride, height_stride);
    }
    return view;
}

View view_part(const View *whole, const Region *region)
{
    View view = {
        .model = whole->model, .width = region_width(region), .height = region_height(region)};

    for (int i = 0; i < COMPONENTS; i++) {
        Component part = whole->component[i];
        if (part.at == NULL)
            continue;
        part.at += (region->left >> part.across) * part.step;
        part.at += (region->top >> part.down) * part.pitch;
        part.width = halved(view.width, part.across);
        part.height = halved(view.height, part.down);
        view.component[i] = part;
    }
    return view;
}

bool view_new(ColourModel model, uint32_t width, uint32_t height, View *view,
              unsigned char **memory)
{
    size_t plane = (size_t)width * height;

    *memory = malloc(plane * 3);
    *view = (View){.model = model, .width = width, .height = height};
    for (size_t i = 0; *memory != NULL && i < 3; i++)
        view->component[i] = (Component){*memory + plane * i, 1, width, width, height, 0, 0};
    return *memory != NULL;
}
