#include "file/inout.h"

#include <stdlib.h>

#include "base/codes.h"
#include "call/message.h"

enum {
    BLOCK_INPUTS = 0,
    BLOCK_OUTPUTS = 1,
    TENSOR_MIN = 32             /* bytes */
};

static void list_free(TensorList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->tensor[i].name);
        free(list->tensor[i].dims);
        free(list->tensor[i].dims_v2);
        free(list->tensor[i].ranges);
    }
    free(list->tensor);
}

static void read_tensor(Reader *reader, TensorInfo *info)
{
    info->size = read_u64(reader);
    info->format = (int32_t)read_u32(reader);
    info->data_type = (int32_t)read_u32(reader);
    uint32_t name_length = read_u32(reader);
    info->rank = read_u32(reader) / sizeof(int64_t);
    info->rank_v2 = read_u32(reader) / sizeof(int64_t);
    info->range_count = read_u32(reader) / (2 * sizeof(int64_t));
    info->name = read_text(reader, name_length);
    info->dims = read_dims(reader, info->rank);
    info->dims_v2 = read_dims(reader, info->rank_v2);
    info->ranges = read_dims(reader, info->range_count * 2);
}

/* A second block of the same type would be a second list: refused. */
static bool read_list(Bytes block, TensorList *list)
{
    Reader reader = reader_of(block);
    uint32_t count = read_u32(&reader);

    if (reader.bad || list->tensor != NULL || count > reader_left(&reader) / TENSOR_MIN)
        return false;
    list->tensor = calloc((size_t)count + 1, sizeof *list->tensor);
    if (list->tensor == NULL)
        return false;
    list->count = count;
    for (uint32_t i = 0; i < count; i++)
        read_tensor(&reader, &list->tensor[i]);
    return !reader.bad;
}

static bool read_block(Reader *reader, Inout *inout)
{
    uint32_t type = read_u32(reader);
    Bytes block = read_bytes(reader, read_u32(reader));

    if (reader->bad)
        return false;
    if (type == BLOCK_INPUTS)
        return read_list(block, &inout->inputs);
    if (type == BLOCK_OUTPUTS)
        return read_list(block, &inout->outputs);
    return gears_read(type, block, &inout->gears);
}

Inout *inout_parse(Bytes partition)
{
    Reader reader = reader_of(partition);
    Inout *inout = calloc(1, sizeof *inout);

    if (inout == NULL)
        return NULL;
    atomic_store(&inout->references, 1);
    while (reader_left(&reader) > 0) {
        if (read_block(&reader, inout))
            continue;
        refuse(E_GE, "MODEL_INOUT_INFO is damaged before byte %zu", reader.at);
        inout_drop(inout);
        return NULL;
    }
    return inout;
}

Inout *inout_share(Inout *inout)
{
    atomic_fetch_add(&inout->references, 1);
    return inout;
}

void inout_drop(Inout *inout)
{
    if (inout == NULL || atomic_fetch_sub(&inout->references, 1) > 1)
        return;
    list_free(&inout->inputs);
    list_free(&inout->outputs);
    gears_free(&inout->gears);
    free(inout);
}

size_t tensor_index(const TensorList *list, const char *name)
{
    size_t i = 0;

    while (i < list->count && strcmp(list->tensor[i].name, name) != 0)
        i++;
    return i;
}
