#include "file/gears.h"

#include <stdlib.h>

enum { BLOCK_SHAPES = 5, BLOCK_ORDER = 6 };

/* Room for count things, of which each takes least bytes of the block. */
static void *room_for(const Reader *reader, uint32_t count, size_t least, size_t size)
{
    if (reader->bad || count > reader_left(reader) / least)
        return NULL;
    return calloc((size_t)count + 1, size);
}

static bool read_values(Reader *reader, Gear *gear)
{
    if (gear->width > reader_left(reader) / sizeof(uint64_t))
        return false;
    gear->value = calloc(gear->width + 1, sizeof *gear->value);
    if (gear->value == NULL)
        return false;
    for (size_t i = 0; i < gear->width; i++)
        gear->value[i] = read_u64(reader);
    return !reader->bad;
}

/* A batch is one number; the others say how many numbers each gear has. */
static bool read_gears(GearKind kind, Bytes block, Gears *gears)
{
    Reader reader = reader_of(block);
    uint32_t count = read_u32(&reader);
    bool batch = kind == GEARS_BATCH;

    if (gears->gear != NULL)
        return false;
    gears->gear = room_for(&reader, count, batch ? 8 : 4, sizeof(Gear));
    if (gears->gear == NULL)
        return false;
    gears->kind = count > 0 ? kind : GEARS_NONE;
    gears->count = count;
    for (uint32_t i = 0; i < count; i++)
        gears->gear[i].width = batch ? 1 : read_u32(&reader);
    for (uint32_t i = 0; i < count; i++)
        if (!read_values(&reader, &gears->gear[i]))
            return false;
    return true;
}

/* The texts of a block, each a copy, and their count. NULL: damaged. */
static char **read_texts(Bytes block, size_t *count)
{
    Reader lengths = reader_of(block);
    uint32_t texts = read_u32(&lengths);
    char **text = room_for(&lengths, texts, sizeof(uint32_t), sizeof *text);
    Reader reader = lengths;

    *count = 0;
    if (text == NULL)
        return NULL;
    read_bytes(&reader, texts * sizeof(uint32_t));
    for (uint32_t i = 0; i < texts; i++)
        text[i] = read_text(&reader, read_u32(&lengths));
    *count = texts;
    return text;
}

static void free_texts(char **text, size_t count)
{
    for (size_t i = 0; text != NULL && i < count; i++)
        free(text[i]);
    free(text);
}

/*
 * CANN's reader of a file's texts compares (4 + 4) * n with the block's 4 + 4n
 * bytes and the texts: a bracket is wrong, and short texts fail on it.
 */
static bool misread(const Bytes *block, size_t count)
{
    return block->size / 8 < count;
}

/* Are all of them there? */
static bool whole(char *const *text, size_t count)
{
    for (size_t i = 0; text != NULL && i < count; i++)
        if (text[i] == NULL)
            return false;
    return text != NULL;
}

/* The numbers of a text, whatever separates them; -1: too many. */
static int numbers_in(const char *text, int64_t *number, int room)
{
    int count = 0;

    while (*text != '\0') {
        char *end = NULL;
        long long value = strtoll(text, &end, 10);
        if (end == text) {
            text++;
            continue;
        }
        if (count == room)
            return -1;
        number[count++] = value;
        text = end;
    }
    return count;
}

static bool parse_shape(const char *text, GearShape *shape)
{
    int64_t number[2 + 128];
    int count = numbers_in(text, number, 2 + 128);

    if (count < 2)
        return false;
    shape->gear = number[0];
    shape->output = number[1];
    shape->rank = (size_t)count - 2;
    shape->dims = calloc(shape->rank + 1, sizeof *shape->dims);
    if (shape->dims == NULL)
        return false;
    memcpy(shape->dims, number + 2, shape->rank * sizeof *shape->dims);
    return true;
}

static bool read_shapes(Bytes block, Gears *gears)
{
    size_t count = 0;
    char **text = gears->shape == NULL ? read_texts(block, &count) : NULL;
    bool good = whole(text, count);

    if (good)
        gears->shape = calloc(count + 1, sizeof *gears->shape);
    good = good && gears->shape != NULL;
    for (size_t i = 0; good && i < count; i++) {
        good = parse_shape(text[i], &gears->shape[i]);
        gears->shape_count += good;
    }
    gears->misread |= misread(&block, count);
    free_texts(text, count);
    return good;
}

static bool read_order(Bytes block, Gears *gears)
{
    if (gears->order != NULL)
        return false;
    gears->order = read_texts(block, &gears->order_count);
    gears->misread |= misread(&block, gears->order_count);
    return whole(gears->order, gears->order_count);
}

bool gears_read(uint32_t type, Bytes block, Gears *gears)
{
    switch (type) {
    case GEARS_BATCH:
    case GEARS_HW:
    case GEARS_DIMS:
        return read_gears((GearKind)type, block, gears);
    case BLOCK_SHAPES:
        return read_shapes(block, gears);
    case BLOCK_ORDER:
        return read_order(block, gears);
    default:
        return false;
    }
}

size_t gears_find(const Gears *gears, const uint64_t *value, size_t width)
{
    size_t i = 0;

    while (i < gears->count && (gears->gear[i].width != width ||
                                memcmp(gears->gear[i].value, value, width * sizeof *value) != 0))
        i++;
    return i;
}

const GearShape *gears_shape(const Gears *gears, size_t gear, size_t output)
{
    for (size_t i = 0; i < gears->shape_count; i++) {
        const GearShape *shape = &gears->shape[i];
        if (shape->output == (int64_t)output && (shape->gear == -1 || shape->gear == (int64_t)gear))
            return shape;
    }
    return NULL;
}

void gears_free(Gears *gears)
{
    for (size_t i = 0; gears->gear != NULL && i < gears->count; i++)
        free(gears->gear[i].value);
    for (size_t i = 0; i < gears->shape_count; i++)
        free(gears->shape[i].dims);
    free(gears->gear);
    free(gears->shape);
    free_texts(gears->order, gears->order_count);
    *gears = (Gears){0};
}
