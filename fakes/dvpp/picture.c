#include "dvpp/picture.h"

#include <stdio.h>

#include "call/message.h"
#include "call/violations.h"
#include "memory/memory.h"
#include "memory/objects.h"
#include "stream/order.h"

enum {
    STRIDE_LEAST = 32,
    STRIDE_MOST = 16384,
    ROWS_LEAST = 6,
    ROWS_MOST = 16384,
    LEFT_PASTED = 16
};

Limits vpc_reads(void)
{
    return (Limits){{10, 8192}, {6, 8192}, 16, 16, 2};
}

Limits vpc_writes(void)
{
    return (Limits){{10, 4096}, {6, chip_is_old() ? 4096 : 8192}, 16, 16, 2};
}

int picture_describe(const acldvppPicDesc *handle, const char *argument, Picture *picture)
{
    if (handle == NULL)
        return refuse(E_PARAM, "%s is NULL", argument);
    PicDesc *desc = object_find(handle, KIND_PIC_DESC, argument);
    if (desc == NULL)
        return violation_status();
    *picture = (Picture){.handle = handle,
                         .argument = argument,
                         .data = desc->data,
                         .size = desc->size,
                         .format = desc->format,
                         .width = desc->width,
                         .height = desc->height,
                         .width_stride = desc->width_stride,
                         .height_stride = desc->height_stride};
    picture->layout = layout_of(picture->format);
    return E_NONE;
}

int picture_take(const acldvppPicDesc *handle, const char *argument, Picture *picture)
{
    int status = picture_describe(handle, argument, picture);

    if (status == E_NONE && picture->data == NULL)
        status = refuse(E_PARAM, "%s has no data: acldvppSetPicDescData was not called", argument);
    return status;
}

static uint64_t row_of(const Picture *picture)
{
    return (uint64_t)picture->width * picture->layout->row;
}

void picture_complete(Picture *picture, const Limits *limits)
{
    uint32_t wide = rounded_up(picture->width, limits->stride) * picture->layout->row;

    if (picture->width_stride == 0)
        picture->width_stride = wide < STRIDE_LEAST ? STRIDE_LEAST : wide;
    if (picture->height_stride == 0)
        picture->height_stride = rounded_up(picture->height, limits->rows);
}

static int check_size(const Picture *picture, const Limits *limits)
{
    bool wide = picture->width >= limits->width[0] && picture->width <= limits->width[1];
    bool high = picture->height >= limits->height[0] && picture->height <= limits->height[1];

    if (wide && high)
        return E_NONE;
    return violate(V_PICTURE_SIZE, "%s is %u * %u, not from %u * %u to %u * %u", picture->argument,
                   picture->width, picture->height, limits->width[0], limits->height[0],
                   limits->width[1], limits->height[1]);
}

static int check_strides(const Picture *picture, const Limits *limits)
{
    uint32_t stride = picture->width_stride;
    uint32_t rows = picture->height_stride;

    if (stride < STRIDE_LEAST || stride > STRIDE_MOST || stride % limits->stride != 0 ||
        stride < row_of(picture))
        return violate(V_STRIDE,
                       "%s has width %u, %llu bytes in a row of %s, and width stride %u, not a "
                       "multiple of %u from there, within %d to %d",
                       picture->argument, picture->width, (unsigned long long)row_of(picture),
                       picture->layout->name, stride, limits->stride, STRIDE_LEAST, STRIDE_MOST);
    if (rows < ROWS_LEAST || rows > ROWS_MOST || rows % limits->rows != 0 || rows < picture->height)
        return violate(V_STRIDE,
                       "%s has height %u and height stride %u, not a multiple of %u from there, "
                       "within %d to %d",
                       picture->argument, picture->height, rows, limits->rows, ROWS_LEAST,
                       ROWS_MOST);
    return E_NONE;
}

/* Samples that ship pass the size of a JPEG as it is (facts 11.5). */
static void note_odd(const Picture *picture)
{
    bool across = picture->layout->across != 0 && picture->width % 2 != 0;
    bool down = picture->layout->down != 0 && picture->height % 2 != 0;

    if (across || down)
        violate_mildly(V_ODD_SIZE, "%s is %u * %u of %s", picture->argument, picture->width,
                       picture->height, picture->layout->name);
}

static int check_memory(const Picture *picture, const Limits *limits)
{
    uint64_t need = layout_size(picture->layout, picture->width_stride, picture->height_stride);

    if ((uintptr_t)picture->data % limits->alignment != 0)
        return violate(V_PICTURE_ALIGNMENT, "%s has data %p, not a multiple of %u",
                       picture->argument, picture->data, limits->alignment);
    if (picture->size < need)
        return violate(V_PICTURE_BYTES,
                       "%s has size %u; %u * %u of %s, by its strides, are %llu bytes",
                       picture->argument, picture->size, picture->width_stride,
                       picture->height_stride, picture->layout->name, (unsigned long long)need);
    return picture_bytes(picture) != NULL ? E_NONE : violation_status();
}

int picture_check(const Picture *picture, const Limits *limits)
{
    int status = check_size(picture, limits);

    if (status == E_NONE)
        status = check_strides(picture, limits);
    if (status == E_NONE)
        status = check_memory(picture, limits);
    if (status == E_NONE)
        note_odd(picture);
    return status;
}

/* An end of a region that should be odd and is even: the pixel itself does not belong to it. */
static uint32_t odd_end(uint32_t end)
{
    return end != 0 && end % 2 == 0 ? end - 1 : end;
}

/* The last column or row that a region may have: an odd picture has one more in its strides. */
static uint32_t last_of(uint32_t size, uint32_t halved)
{
    return halved != 0 ? rounded_up(size, 2) - 1 : size - 1;
}

static int check_ends(const Region *region, const char *argument, const Picture *picture,
                      const char *text)
{
    if (region->left >= region->right || region->top >= region->bottom)
        return violate(V_REGION, "%s is empty: %s", argument, text);
    if (region->right > last_of(picture->width, picture->layout->across) ||
        region->bottom > last_of(picture->height, picture->layout->down))
        return violate(V_REGION, "%s reaches beyond %s of %u * %u: %s", argument, picture->argument,
                       picture->width, picture->height, text);
    if (region->left % 2 != 0 || region->top % 2 != 0)
        return violate(V_REGION, "%s has an odd left or top: %s", argument, text);
    return E_NONE;
}

int region_check(Region *region, const char *argument, const Picture *picture)
{
    char text[80];
    Region given = *region;

    snprintf(text, sizeof text, "left %u, right %u, top %u, bottom %u", given.left, given.right,
             given.top, given.bottom);
    region->right = odd_end(given.right);
    region->bottom = odd_end(given.bottom);
    int status = check_ends(region, argument, picture, text);
    if (status == E_NONE && (region->right != given.right || region->bottom != given.bottom))
        violate_mildly(V_EVEN_END, "%s has %s, and ends at right %u, bottom %u", argument, text,
                       region->right, region->bottom);
    return status;
}

unsigned char *picture_bytes(const Picture *picture)
{
    char argument[64];
    uint64_t need = layout_size(picture->layout, picture->width_stride, picture->height_stride);

    snprintf(argument, sizeof argument, "the data of %s", picture->argument);
    return device_bytes(picture->data, (size_t)need, argument);
}

/* A description that is gone by then was told of when it went. */
void picture_give_back(const Picture *picture, uint32_t ret_code)
{
    PicDesc *desc = object_peek(picture->handle, KIND_PIC_DESC);

    if (desc == NULL)
        return;
    desc->width = picture->width;
    desc->height = picture->height;
    desc->width_stride = picture->width_stride;
    desc->height_stride = picture->height_stride;
    desc->format = picture->format;
    desc->size = picture->size;
    desc->ret_code = ret_code;
}
