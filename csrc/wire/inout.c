/* The list of a model's inputs or outputs: fixed fields, then what they give the sizes of. */

#include "wire/ab_inout.h"

enum { FIXED = 32, NUMBER = 8 };

static uint32_t u32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static int is_whole(uint32_t size, uint64_t most)
{
    return size % NUMBER == 0 && size <= most;
}

/* One tensor at *at, which moves behind it. 0: it is none. */
static int read_end(const uint8_t *block, uint64_t size, uint64_t most, uint64_t *at, ab_end *end)
{
    if (size - *at < FIXED) {
        return 0;
    }
    const uint8_t *from = block + *at;
    uint64_t start = *at + FIXED, left = size - start;
    uint32_t v2 = u32(from + 24);
    *end = (ab_end){
        .nbytes = (uint64_t)u32(from) | (uint64_t)u32(from + 4) << 32,
        .format = (int32_t)u32(from + 8),
        .dtype = (int32_t)u32(from + 12),
        .name = (uint32_t)start,
        .name_size = u32(from + 16),
        .dims_size = u32(from + 20),
        .ranges_size = u32(from + 28),
    };
    uint64_t whole = (uint64_t)end->name_size + end->dims_size + v2 + end->ranges_size;
    if (whole > left || !is_whole(end->dims_size, most) || !is_whole(v2, most) ||
        !is_whole(end->ranges_size, most)) {
        return 0;
    }
    end->dims = end->name + end->name_size;
    end->ranges = end->dims + end->dims_size + v2;
    *at = start + whole;
    return 1;
}

uint64_t ab_inout_read(const uint8_t *block, uint64_t size, uint64_t at, uint64_t most,
                       uint64_t count, ab_end *ends)
{
    uint64_t done = 0;
    while (done < count && read_end(block, size, most, &at, &ends[done])) {
        done++;
    }
    return done;
}
