/*
 * One field of a protobuf message at a time.
 *
 * What protobuf's own readers refuse is refused: field number 0, a tag or a
 * size of more than 5 bytes, a number of more than 10, a group that does not
 * end, content that leaves the message. A group that ends is walked over, and
 * its field has number 0: no schema that is read here has any.
 */
#ifndef AB_WIRE_H
#define AB_WIRE_H

#include "wire/ab_wire.h"

#pragma GCC visibility push(hidden)

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* A number at data, where left bytes are. Its bytes, or 0 when it does not end. */
uint64_t wire_number(const uint8_t *data, uint64_t left, uint64_t *value);

/* The field at *at, before size; *at moves behind it. 0, and *at stays: damaged. */
int wire_next_of_any(const uint8_t *data, uint64_t size, uint64_t *at, ab_field *field);

#pragma GCC visibility pop

/* What each walk has a copy of: its loop is most of the time that a definition takes. */
#define WIRE_INLINE static inline __attribute__((always_inline))

/* A number of one byte or two; else 0. */
static inline uint64_t wire_short(const uint8_t *data, uint64_t left, uint64_t *value)
{
    if (left > 0 && data[0] < 0x80) {
        *value = data[0];
        return 1;
    }
    if (left > 1 && data[1] < 0x80) {
        *value = (uint64_t)(data[0] & 0x7F) | (uint64_t)data[1] << 7;
        return 2;
    }
    return 0;
}

/* The same as above through a copy, so that the fields of a caller's own may stay in registers. */
static inline int wire_next_of_rest(const uint8_t *data, uint64_t size, uint64_t *at,
                                    ab_field *field)
{
    ab_field any = {0};
    uint64_t here = *at;
    int whole = wire_next_of_any(data, size, &here, &any);
    field->number = any.number;
    field->kind = any.kind;
    field->at = any.at;
    field->size = any.size;
    *at = here;
    return whole;
}

/* The same as above, quick where tag and number are as short as nearly all are. */
WIRE_INLINE int wire_next(const uint8_t *data, uint64_t size, uint64_t *at, ab_field *field)
{
    uint64_t tag = 0, value, here = *at;
    uint64_t step = wire_short(data + here, size - here, &tag);
    uint32_t kind = (uint32_t)(tag & 7);
    if (step == 0 || tag < 1 << 3 || (kind != WIRE_VARINT && kind != WIRE_BYTES)) {
        return wire_next_of_rest(data, size, at, field);
    }
    here += step;
    step = wire_short(data + here, size - here, &value);
    here += step;
    if (step == 0 || (kind == WIRE_BYTES && value > size - here)) {
        return wire_next_of_rest(data, size, at, field);
    }
    field->number = (uint32_t)(tag >> 3);
    field->kind = kind;
    field->at = kind == WIRE_BYTES ? here : value;
    field->size = kind == WIRE_BYTES ? value : 0;
    *at = here + field->size;
    return 1;
}

#endif
