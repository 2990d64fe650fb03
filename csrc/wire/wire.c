/* The wire format of protobuf: a key, and what the key says follows. */

#include "wire/wire.h"

#include <stdint.h>
#include <string.h>

enum { GROUP_STARTS = 3, GROUP_ENDS = 4, DEPTH_MAX = 100, SHORT_BYTES = 5, LONG_BYTES = 10 };

/* A number of at most so many bytes. */
static uint64_t number_within(const uint8_t *data, uint64_t left, uint64_t most, uint64_t *value)
{
    *value = 0;
    for (uint64_t i = 0; i < most && i < left; i++) {
        *value |= (uint64_t)(data[i] & 0x7F) << (7 * i);
        if (data[i] < 0x80) {
            return i + 1;
        }
    }
    return 0;
}

uint64_t wire_number(const uint8_t *data, uint64_t left, uint64_t *value)
{
    return number_within(data, left, LONG_BYTES, value);
}

/* The tag at *at, which moves behind it. 0: it is none. */
static int take_tag(const uint8_t *data, uint64_t size, uint64_t *at, ab_field *field)
{
    uint64_t tag;
    uint64_t step = number_within(data + *at, size - *at, SHORT_BYTES, &tag);
    if (step == 0 || tag > UINT32_MAX || tag < 1 << 3) {
        return 0;
    }
    *at += step;
    field->number = (uint32_t)(tag >> 3);
    field->kind = (uint32_t)(tag & 7);
    return 1;
}

/* What follows a tag, but for groups; *at moves behind it. 0: damaged. */
static int take_content(const uint8_t *data, uint64_t size, uint64_t *at, ab_field *field)
{
    uint64_t left = size - *at, value, step = 0;
    switch (field->kind) {
    case WIRE_VARINT:
        step = wire_number(data + *at, left, &value);
        field->at = value;
        field->size = 0;
        *at += step;
        return step != 0;
    case WIRE_BYTES:
        step = number_within(data + *at, left, SHORT_BYTES, &value);
        field->size = value;
        break;
    case WIRE_FIXED64:
    case WIRE_FIXED32:
        field->size = field->kind == WIRE_FIXED64 ? 8 : 4;
        break;
    default:
        return 0;
    }
    if ((field->kind == WIRE_BYTES && step == 0) || field->size > left - step) {
        return 0;
    }
    field->at = *at + step;
    *at = field->at + field->size;
    return 1;
}

/* Walks to the end of a group whose start was read. 0: it does not end, or is damaged. */
static int skip_group(const uint8_t *data, uint64_t size, uint64_t *at, ab_field *field)
{
    uint32_t open[DEPTH_MAX];
    uint32_t depth = 0;
    open[depth++] = field->number;
    while (depth > 0) {
        if (!take_tag(data, size, at, field)) {
            return 0;
        }
        if (field->kind == GROUP_STARTS) {
            if (depth == DEPTH_MAX) {
                return 0;
            }
            open[depth++] = field->number;
        } else if (field->kind == GROUP_ENDS) {
            if (open[--depth] != field->number) {
                return 0;
            }
        } else if (!take_content(data, size, at, field)) {
            return 0;
        }
    }
    *field = (ab_field){.kind = WIRE_BYTES, .at = *at};
    return 1;
}

int wire_next_of_any(const uint8_t *data, uint64_t size, uint64_t *at, ab_field *field)
{
    uint64_t here = *at;
    int whole = take_tag(data, size, &here, field) &&
                (field->kind == GROUP_STARTS ? skip_group(data, size, &here, field)
                                             : take_content(data, size, &here, field));
    if (whole) {
        *at = here;
    }
    return whole;
}

static int wire_holds(uint64_t set, const ab_field *field)
{
    return field->number < 64 && (set >> field->number & 1) != 0;
}

int64_t ab_wire_fields(const uint8_t *data, uint64_t size, uint64_t set, uint64_t *at,
                       ab_field *fields, uint64_t room)
{
    int64_t count = 0;
    while (*at < size && (uint64_t)count < room) {
        if (!wire_next(data, size, at, &fields[count])) {
            return -1;
        }
        count += wire_holds(set, &fields[count]);
    }
    return count;
}

int64_t ab_wire_last(const uint8_t *data, uint64_t size, uint64_t set, uint64_t *at,
                     ab_field *field)
{
    int64_t count = 0;
    ab_field next;
    *at = 0;
    while (*at < size) {
        if (!wire_next(data, size, at, &next)) {
            return -1;
        }
        if (wire_holds(set, &next)) {
            *field = next;
            count++;
        }
    }
    return count;
}

/* Is this field an entry with the key? -1: it is damaged. */
static int wire_matches(const uint8_t *data, const ab_field *entry, const uint8_t *key,
                        uint64_t key_size, ab_field *value)
{
    ab_field name;
    uint64_t at;
    const uint8_t *start = data + entry->at;
    if (entry->kind != WIRE_BYTES) {
        return -1;
    }
    int64_t names = ab_wire_last(start, entry->size, 1 << 1, &at, &name);
    if (names < 0 || (names > 0 && name.kind != WIRE_BYTES)) {
        return -1;
    }
    if (names == 0 || name.size != key_size || memcmp(start + name.at, key, key_size) != 0) {
        return 0;
    }
    int64_t values = ab_wire_last(start, entry->size, 1 << 2, &at, value);
    if (values > 0 && value->kind != WIRE_BYTES) {
        return -1;
    }
    if (values > 0) {
        value->at += entry->at;
    }
    return values < 0 ? -1 : values > 0;
}

int64_t ab_wire_entry(const uint8_t *data, uint64_t size, uint32_t number, uint64_t *at,
                      const uint8_t *key, uint64_t key_size, ab_field *value)
{
    int64_t found = 0;
    ab_field entry, next;
    *at = 0;
    while (*at < size) {
        uint64_t here = *at;
        if (!wire_next(data, size, at, &entry)) {
            return -1;
        }
        int match = entry.number != number ? 0 : wire_matches(data, &entry, key, key_size, &next);
        if (match < 0) {
            *at = here;
            return -1;
        }
        if (match > 0) {
            *value = next;
            found = 1;
        }
    }
    return found;
}
