/*
 * Tables that grow while a definition is read, and what stops the reading.
 */
#ifndef AB_ROWS_H
#define AB_ROWS_H

#include <stddef.h>
#include <string.h>

#include "wire/ab_tables.h"
#include "wire/wire.h"

#pragma GCC visibility push(hidden)

enum { DESCRIPTIONS = 64 };

typedef struct walk {
    const uint8_t *data;
    const ab_limits *limits;
    ab_tables *tables;
    uint64_t graph_room, node_room, tensor_room, number_room;
    uint64_t pairs;
    uint64_t shared;            /* numbers that lists of several rows count for theirs */
    uint64_t known[DESCRIPTIONS]; /* 1 + the row of a description with such a hash, or 0 */
    int status;                 /* AB_READ until something is wrong; then it stays */
} walk;

/* Notes what is wrong with the field at at, in a message that ends at end; 0, always. */
int walk_stop(walk *w, int status, uint64_t at, uint64_t end);

/* Takes the next number of a repeated field, packed or not. 0: as above. */
int take_number(walk *w, ab_field *field, uint64_t *value);

/* One more row, zeroed, which stays where it is until the next one; NULL: w->status tells. */
ab_ge_graph *add_graph(walk *w, uint64_t at, uint64_t end);
ab_ge_node *add_node(walk *w, uint64_t at, uint64_t end);
ab_ge_tensor *add_tensor(walk *w, uint64_t at, uint64_t end);

/* One more number of a list, which moves to the end of the pool where it is not there. */
void add_number(walk *w, ab_list *list, uint64_t value, uint64_t at, uint64_t end);

/*
 * The next field of a message that lies from *at to end. 0: there is none, or
 * it is damaged, which w->status tells.
 */
WIRE_INLINE int walk_next(walk *w, uint64_t *at, uint64_t end, ab_field *field)
{
    if (*at >= end || w->status != AB_READ) {
        return 0;
    }
    return wire_next(w->data, end, at, field) || walk_stop(w, AB_DAMAGED, *at, end);
}

/* Reads a tensor that lies from at to end into a row, beside what the row has. */
typedef void tensor_reader(walk *w, uint64_t at, uint64_t end, uint64_t row);

/* A name that is looked for, and its bytes. */
typedef struct name {
    const char *text;
    uint32_t size;
    uint32_t means;             /* 1 or more */
    tensor_reader *read;        /* of an attribute that may be a tensor, where rows are wanted */
} name;

#define NAME(text, means) {text, sizeof text - 1, means, NULL}

/* The name that a text is, of a table that ends with NULL; NULL: none. */
static inline const name *name_of(const uint8_t *text, uint64_t size, const name *table)
{
    for (; table->text != NULL; table++) {
        if (table->size == size && memcmp(table->text, text, (size_t)size) == 0) {
            return table;
        }
    }
    return NULL;
}

static inline ab_piece piece_of(const ab_field *field)
{
    return (ab_piece){(uint32_t)field->at, (uint32_t)field->size};
}

#pragma GCC visibility pop

#endif
