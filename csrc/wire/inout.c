/* The list of a model's inputs or outputs: fixed fields, then what they give the sizes of. */

#include "wire/inout.h"

enum { FIXED = 32 };

static uint32_t u32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static int is_whole(uint32_t size, uint64_t most)
{
    return size % INOUT_NUMBER == 0 && size <= most;
}

int inout_next(const uint8_t *block, uint64_t size, uint64_t most, uint64_t *at,
               inout_tensor *tensor)
{
    if (size - *at < FIXED) {
        return 0;
    }
    const uint8_t *from = block + *at;
    uint64_t start = *at + FIXED, left = size - start;
    uint32_t v2 = u32(from + 24);
    *tensor = (inout_tensor){
        .nbytes = (uint64_t)u32(from) | (uint64_t)u32(from + 4) << 32,
        .format = (int32_t)u32(from + 8),
        .dtype = (int32_t)u32(from + 12),
        .name = (uint32_t)start,
        .name_size = u32(from + 16),
        .dims_size = u32(from + 20),
        .ranges_size = u32(from + 28),
    };
    uint64_t whole = (uint64_t)tensor->name_size + tensor->dims_size + v2 + tensor->ranges_size;
    if (whole > left || !is_whole(tensor->dims_size, most) || !is_whole(v2, most) ||
        !is_whole(tensor->ranges_size, most)) {
        return 0;
    }
    tensor->dims = tensor->name + tensor->name_size;
    tensor->ranges = tensor->dims + tensor->dims_size + v2;
    *at = start + whole;
    return 1;
}
