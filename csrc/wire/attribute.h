/*
 * Attributes: the values that GE hangs on nodes and tensors, by name.
 */
#ifndef AB_ATTRIBUTE_H
#define AB_ATTRIBUTE_H

#include "wire/rows.h"

#pragma GCC visibility push(hidden)

enum { ATTR_LIST = 1, ATTR_I = 3, ATTR_B = 5, ATTR_PAIRS = 14, ATTR_DT = 15 };

/* An attribute as it is read: the last of its kinds, and what that holds. */
typedef struct attribute {
    uint32_t kind;              /* the field of AttrDef; 0: none */
    int64_t value;              /* of a number */
    ab_list list;               /* of a list: its integers */
    int is_mixed;               /* a list with other things in it */
    ab_list pairs;              /* of a list of lists: those of two numbers, one after another */
    uint64_t tensor;            /* of a tensor: 1 + its row where rows are wanted, else 0 */
} attribute;

/*
 * Reads an entry of a map of attributes that lies from at to end, if its key is
 * one of some names: what it means, and *found is its value. 0: it is another.
 * A tensor gets a row where the name has a reader.
 */
uint32_t read_entry(walk *w, uint64_t at, uint64_t end, const name *names, attribute *found);

static inline ab_integer integer_of(const attribute *found)
{
    int is_number = found->kind == ATTR_I || found->kind == ATTR_B || found->kind == ATTR_DT;
    return (ab_integer){is_number ? found->value : 0, is_number ? found->kind : 0};
}

#pragma GCC visibility pop

#endif
