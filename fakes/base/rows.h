/*
 * rows: ranges of addresses, all of one size and a pitch apart.
 *
 * A plain range is one row. Whether two meet is told without going through
 * them row by row, where the pitches are equal or one of them is plain.
 */
#ifndef FAKE_ROWS_H
#define FAKE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Rows {
    uintptr_t start;            /* of the first row */
    size_t size;                /* of each */
    size_t pitch;               /* size or more; of one row, anything */
    size_t more;                /* rows behind the first */
} Rows;

/* Have two an address in common? Neither reaches beyond all addresses. */
bool rows_meet(const Rows *a, const Rows *b);

#endif
