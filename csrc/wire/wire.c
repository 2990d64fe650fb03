/* The wire format of protobuf: a key, and what the key says follows. */

#include "wire/ab_wire.h"

#include <stdint.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* A number of at most 10 bytes. Its bytes, or 0 when it does not end. */
static uint64_t wire_number(const uint8_t *data, uint64_t left, uint64_t *value)
{
    *value = 0;
    for (uint64_t i = 0; i < 10 && i < left; i++) {
        *value |= (uint64_t)(data[i] & 0x7F) << (7 * i);
        if (data[i] < 0x80) {
            return i + 1;
        }
    }
    return 0;
}

/* The length of what follows a key; 0 for a wire type that is none. */
static int wire_size(uint32_t kind, uint64_t value, uint64_t *size)
{
    switch (kind) {
    case WIRE_VARINT:
        *size = 0;
        return 1;
    case WIRE_FIXED64:
        *size = 8;
        return 1;
    case WIRE_BYTES:
        *size = value;
        return 1;
    case WIRE_FIXED32:
        *size = 4;
        return 1;
    default:
        return 0;
    }
}

/* One field at *at, which moves behind it. 0, and *at stays: damaged. */
static int wire_next(const uint8_t *data, uint64_t size, uint64_t *at, ab_field *field)
{
    uint64_t key, value = 0, here = *at;
    uint64_t step = wire_number(data + here, size - here, &key);
    if (step == 0 || key < 1 << 3) {
        return 0;
    }
    here += step;
    uint64_t number = key >> 3;
    field->number = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    field->kind = (uint32_t)(key & 7);
    if (field->kind == WIRE_VARINT || field->kind == WIRE_BYTES) {
        step = wire_number(data + here, size - here, &value);
        here += step;
    }
    if (step == 0 || !wire_size(field->kind, value, &field->size) || field->size > size - here) {
        return 0;
    }
    field->at = field->kind == WIRE_VARINT ? value : here;
    *at = here + field->size;
    return 1;
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

/* What one message has of what is sought; 0: it is damaged. */
static int wire_seek(const uint8_t *data, const ab_field *row, uint64_t set, int is_first,
                     const uint8_t *key, uint64_t key_size, ab_field *found)
{
    const uint8_t *start = data + row->at;
    uint64_t at = 0;
    int64_t count;
    if (row->kind != WIRE_BYTES) {
        return 0;
    }
    if (key != NULL) {
        uint32_t number = (uint32_t)__builtin_ctzll(set);
        count = ab_wire_entry(start, row->size, number, &at, key, key_size, found);
    } else if (is_first) {
        count = ab_wire_fields(start, row->size, set, &at, found, 1);
    } else {
        count = ab_wire_last(start, row->size, set, &at, found);
    }
    if (count <= 0) {
        found->number = 0;
    } else if (found->kind != WIRE_VARINT) {
        found->at += row->at;
    }
    return count >= 0;
}

uint64_t ab_wire_inner(const uint8_t *data, const ab_field *rows, uint64_t count, uint64_t set,
                       int is_first, const uint8_t *key, uint64_t key_size, ab_field *found)
{
    for (uint64_t i = 0; i < count; i++) {
        found[i].number = 0;
        if (rows[i].number != 0 &&
            !wire_seek(data, &rows[i], set, is_first, key, key_size, &found[i])) {
            return i;
        }
    }
    return count;
}

static void wire_note(int64_t *numbers, uint64_t room, uint64_t index, uint64_t value)
{
    if (index < room) {
        numbers[index] = (int64_t)value;
    }
}

/* The numbers of a packed field; 0: the last one does not end. */
static int wire_packed(const uint8_t *data, uint64_t size, int64_t *numbers, uint64_t room,
                       uint64_t *index)
{
    uint64_t value;
    for (uint64_t at = 0; at < size;) {
        uint64_t step = wire_number(data + at, size - at, &value);
        if (step == 0) {
            return 0;
        }
        wire_note(numbers, room, (*index)++, value);
        at += step;
    }
    return 1;
}

/* The numbers of a repeated field from *index on, which moves; 0: damaged, or no numbers. */
static int wire_numbers(const uint8_t *data, uint64_t size, uint32_t number, int64_t *numbers,
                        uint64_t room, uint64_t *index)
{
    ab_field field;
    uint64_t at = 0;
    while (at < size) {
        if (!wire_next(data, size, &at, &field)) {
            return 0;
        }
        if (field.number != number) {
            continue;
        }
        if (field.kind == WIRE_VARINT) {
            wire_note(numbers, room, (*index)++, field.at);
        } else if (field.kind != WIRE_BYTES ||
                   !wire_packed(data + field.at, field.size, numbers, room, index)) {
            return 0;
        }
    }
    return 1;
}

/* The pairs of a repeated field, as above. */
static int wire_pairs(const uint8_t *data, uint64_t size, uint32_t number, uint32_t inner,
                      int64_t *numbers, uint64_t room, uint64_t *index)
{
    ab_field field;
    uint64_t at = 0;
    while (at < size) {
        int64_t pair[2] = {0, 0};
        uint64_t found = 0;
        if (!wire_next(data, size, &at, &field)) {
            return 0;
        }
        if (field.number != number) {
            continue;
        }
        if (field.kind != WIRE_BYTES ||
            !wire_numbers(data + field.at, field.size, inner, pair, 2, &found)) {
            return 0;
        }
        if (found == 2) {
            wire_note(numbers, 2 * room, 2 * *index, (uint64_t)pair[0]);
            wire_note(numbers, 2 * room, 2 * *index + 1, (uint64_t)pair[1]);
            (*index)++;
        }
    }
    return 1;
}

uint64_t ab_wire_lists(const uint8_t *data, const ab_field *rows, uint64_t count, uint32_t number,
                       uint64_t *counts, int64_t *numbers, uint64_t room)
{
    uint64_t index = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t before = index;
        if (rows[i].number != 0 &&
            (rows[i].kind != WIRE_BYTES ||
             !wire_numbers(data + rows[i].at, rows[i].size, number, numbers, room, &index))) {
            return i;
        }
        counts[i] = index - before;
    }
    return count;
}

uint64_t ab_wire_pairs(const uint8_t *data, const ab_field *rows, uint64_t count, uint32_t number,
                       uint32_t inner, uint64_t *counts, int64_t *numbers, uint64_t room)
{
    uint64_t index = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t before = index;
        if (rows[i].number != 0 &&
            (rows[i].kind != WIRE_BYTES ||
             !wire_pairs(data + rows[i].at, rows[i].size, number, inner, numbers, room, &index))) {
            return i;
        }
        counts[i] = index - before;
    }
    return count;
}
