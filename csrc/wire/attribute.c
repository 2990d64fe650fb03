#include "wire/attribute.h"

/* The other fields of AttrDef, of which one counts; of what a list holds; of the others. */
enum {
    ATTR_S = 2,
    ATTR_F = 4,
    ATTR_BT = 7,
    ATTR_FUNC = 10,
    ATTR_TD = 11,
    ATTR_T = 12,
    ATTR_G = 13
};
enum { L_S = 2, L_I = 3, L_F = 4, L_B = 5, L_BT = 7, L_TD = 8, L_T = 9, L_DT = 12 };
enum { KEY = 1, VALUE = 2, LIST = 1, LIST_INT = 1, FLOAT = 4 };

/* The wire type of a field of AttrDef; -1: it is none of them. */
static int kind_of(uint32_t number)
{
    switch (number) {
    case ATTR_I:
    case ATTR_B:
    case ATTR_DT:
        return WIRE_VARINT;
    case ATTR_F:
        return WIRE_FIXED32;
    case ATTR_LIST:
    case ATTR_S:
    case ATTR_BT:
    case ATTR_FUNC:
    case ATTR_TD:
    case ATTR_T:
    case ATTR_G:
    case ATTR_PAIRS:
        return WIRE_BYTES;
    default:
        return -1;
    }
}

static int64_t value_of(const ab_field *field)
{
    if (field->number == ATTR_B) {
        return field->at != 0;
    }
    return field->number == ATTR_DT ? (int64_t)(int32_t)field->at : (int64_t)field->at;
}

/* Does a field put something that is no integer into a list? Packed numbers may be none. */
static int is_other(walk *w, uint64_t at, uint64_t end, ab_field *field)
{
    uint64_t value, count = 0;
    switch (field->number) {
    case L_S:
    case L_BT:
    case L_TD:
    case L_T:
        return field->kind == WIRE_BYTES;
    case L_F:
        if (field->kind == WIRE_BYTES && field->size % FLOAT != 0) {
            return walk_stop(w, AB_DAMAGED, at, end);
        }
        return field->kind == WIRE_FIXED32 || (field->kind == WIRE_BYTES && field->size > 0);
    case L_B:
    case L_DT:
        while (take_number(w, field, &value)) {
            count++;
        }
        return count > 0;
    default:
        return 0;
    }
}

static void read_list(walk *w, const ab_field *whole, attribute *found)
{
    ab_field field;
    uint64_t at = whole->at, end = whole->at + whole->size, before = at, value;
    while (walk_next(w, &at, end, &field)) {
        while (field.number == L_I && take_number(w, &field, &value)) {
            add_number(w, &found->list, value, whole->at, end);
        }
        found->is_mixed |= is_other(w, before, end, &field);
        before = at;
    }
}

/* One list of a list of lists: it counts where it holds two numbers. */
static void read_pair(walk *w, const ab_field *whole, attribute *found)
{
    ab_field field;
    uint64_t at = whole->at, end = whole->at + whole->size, value, pair[2] = {0, 0}, count = 0;
    while (walk_next(w, &at, end, &field)) {
        while (field.number == LIST_INT && take_number(w, &field, &value)) {
            pair[count & 1] = value;
            count++;
        }
    }
    if (count != 2) {
        return;
    }
    if (w->pairs++ >= w->limits->pairs) {
        walk_stop(w, AB_PAIRS, whole->at, end);
        return;
    }
    add_number(w, &found->pairs, pair[0], whole->at, end);
    add_number(w, &found->pairs, pair[1], whole->at, end);
}

static void read_pairs(walk *w, const ab_field *whole, attribute *found)
{
    ab_field field;
    uint64_t at = whole->at, end = whole->at + whole->size;
    while (walk_next(w, &at, end, &field)) {
        if (field.number == LIST && field.kind == WIRE_BYTES) {
            read_pair(w, &field, found);
        }
    }
}

static void read_value_tensor(walk *w, const ab_field *field, tensor_reader *read, attribute *found)
{
    if (found->tensor == 0 && add_tensor(w, field->at, field->at + field->size) == NULL) {
        return;
    }
    if (found->tensor == 0) {
        found->tensor = w->tables->tensor_count;
    }
    read(w, field->at, field->at + field->size, found->tensor - 1);
}

/* An AttrDef, beside what is known of it; a field of another kind ends what was before. */
static void read_value(walk *w, const ab_field *whole, tensor_reader *read, attribute *found)
{
    ab_field field;
    uint64_t at = whole->at, end = whole->at + whole->size;
    while (walk_next(w, &at, end, &field)) {
        if (kind_of(field.number) != (int)field.kind) {
            continue;
        }
        if (field.number != found->kind) {
            *found = (attribute){.kind = field.number};
        }
        if (field.kind == WIRE_VARINT) {
            found->value = value_of(&field);
        } else if (field.number == ATTR_LIST) {
            read_list(w, &field, found);
        } else if (field.number == ATTR_PAIRS) {
            read_pairs(w, &field, found);
        } else if (field.number == ATTR_T && read != NULL) {
            read_value_tensor(w, &field, read, found);
        }
    }
}

uint32_t read_entry(walk *w, uint64_t at, uint64_t end, const name *names, attribute *found)
{
    ab_field field, key = {0}, value = {0};
    uint64_t start = at;
    uint32_t values = 0;
    while (walk_next(w, &at, end, &field)) {
        if (field.kind != WIRE_BYTES) {
            continue;
        }
        if (field.number == KEY) {
            key = field;
        } else if (field.number == VALUE) {
            value = field;
            values++;
        }
    }
    const name *known = name_of(w->data + key.at, key.size, names);
    *found = (attribute){0};
    if (known != NULL && values == 1) {
        read_value(w, &value, known->read, found);
    }
    for (at = start; known != NULL && values > 1 && walk_next(w, &at, end, &field);) {
        if (field.number == VALUE && field.kind == WIRE_BYTES) {
            read_value(w, &field, known->read, found);
        }
    }
    return known != NULL && w->status == AB_READ ? known->means : 0;
}
