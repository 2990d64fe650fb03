/*
 * Where the fields of a protobuf message lie.
 *
 * A message is walked anew by each call and nothing is kept: bytes that nobody
 * vouches for cost time in proportion to their number, and no memory. Numbers
 * of fields are passed as bits of a set, so only 1 to 63 can be asked for.
 */
#ifndef AB_WIRE_CALLS_H
#define AB_WIRE_CALLS_H

#include <stdint.h>

typedef struct ab_field {
    uint32_t number;
    uint32_t kind;      /* the wire type */
    uint64_t at;        /* where its bytes start in the message; of a varint, its value */
    uint64_t size;      /* bytes; 0 for a varint */
} ab_field;

/*
 * Reads up to room fields of the set from *at on, and moves *at behind the
 * last field that was walked over. How many; -1 when the message is damaged,
 * at *at then.
 */
int64_t ab_wire_fields(const uint8_t *data, uint64_t size, uint64_t set, uint64_t *at,
                       ab_field *fields, uint64_t room);

/*
 * Walks the whole message and keeps the last field of the set. How many there
 * are; -1 as above.
 */
int64_t ab_wire_last(const uint8_t *data, uint64_t size, uint64_t set, uint64_t *at,
                     ab_field *field);

/*
 * Finds the last entry of a map, field number, with this key, and where its
 * value lies. 1, or 0 when there is none; -1 as above.
 */
int64_t ab_wire_entry(const uint8_t *data, uint64_t size, uint32_t number, uint64_t *at,
                      const uint8_t *key, uint64_t key_size, ab_field *value);

#endif
