#include "wire/tensor.h"

#include "wire/attribute.h"

enum {
    DESC_DTYPE = 2,
    DESC_SHAPE = 3,
    DESC_LAYOUT = 4,
    DESC_ATTR = 5,
    DESC_SIZE = 10,
    DESC_WEIGHT_SIZE = 11,
    DESC_DATA_OFFSET = 18
};
enum { SHAPE_DIM = 1, TENSOR_DESC = 1, TENSOR_DATA = 2 };

enum { FORMAT = 1, ORIGIN, RANGES, OVERRIDE };
static const name names[] = {
    NAME("format_for_int", FORMAT),
    NAME("origin_shape", ORIGIN),
    NAME("shape_range", RANGES),
    NAME("__tensor_desc_data_type__", OVERRIDE),
    {NULL, 0, 0, NULL},
};

static ab_ge_tensor *row_of(const walk *w, uint64_t row)
{
    return &w->tables->tensors[row];
}

static void read_shape(walk *w, const ab_field *whole, uint64_t row)
{
    ab_field field;
    uint64_t at = whole->at, end = whole->at + whole->size, value;
    while (walk_next(w, &at, end, &field)) {
        while (field.number == SHAPE_DIM && take_number(w, &field, &value)) {
            add_number(w, &row_of(w, row)->shape, value, whole->at, end);
        }
    }
}

/* Dims that are not known are negative. */
static uint32_t how_open(const walk *w, ab_list dims)
{
    for (uint64_t i = dims.at; i < (uint64_t)dims.at + dims.count; i++) {
        if (w->tables->numbers[i] < 0) {
            return AB_OPEN;
        }
    }
    return AB_WHOLE;
}

static void read_attribute(walk *w, const ab_field *entry, ab_ge_tensor *tensor)
{
    attribute found;
    switch (read_entry(w, entry->at, entry->at + entry->size, names, &found)) {
    case FORMAT:
        tensor->format = integer_of(&found);
        break;
    case OVERRIDE:
        tensor->override = integer_of(&found);
        break;
    case ORIGIN:
        tensor->origin = found.list;
        tensor->told =
            found.kind == ATTR_LIST && !found.is_mixed ? how_open(w, found.list) : AB_NOTHING;
        break;
    case RANGES:
        tensor->ranges = found.pairs;
        break;
    default:
        break;
    }
}

/* One field of a description that is a number. */
static void note_number(ab_ge_tensor *tensor, const ab_field *field)
{
    switch (field->number) {
    case DESC_DTYPE:
        tensor->dtype = (int32_t)field->at;
        break;
    case DESC_SIZE:
        tensor->nbytes = (int64_t)field->at;
        break;
    case DESC_WEIGHT_SIZE:
        tensor->weight_nbytes = (int64_t)field->at;
        break;
    case DESC_DATA_OFFSET:
        tensor->data_offset = (int64_t)field->at;
        break;
    default:
        break;
    }
}

void read_desc(walk *w, uint64_t at, uint64_t end, uint64_t row)
{
    ab_field field;
    row_of(w, row)->place = (ab_piece){(uint32_t)at, (uint32_t)(end - at)};
    while (walk_next(w, &at, end, &field)) {
        ab_ge_tensor *tensor = row_of(w, row);
        if (field.kind == WIRE_VARINT) {
            note_number(tensor, &field);
        } else if (field.kind != WIRE_BYTES) {
            continue;
        } else if (field.number == DESC_SHAPE) {
            read_shape(w, &field, row);
        } else if (field.number == DESC_LAYOUT) {
            tensor->layout = piece_of(&field);
        } else if (field.number == DESC_ATTR) {
            read_attribute(w, &field, tensor);
        }
    }
}

/*
 * Counts what nodes share as if each had a row, so that the limits hold as without. 0: a limit
 * is met.
 */
static int count_shared(walk *w, const ab_ge_tensor *tensor, uint64_t at, uint64_t end)
{
    w->shared += (uint64_t)tensor->shape.count + tensor->origin.count + tensor->ranges.count;
    w->pairs += tensor->ranges.count / 2;
    if (w->tables->number_count + w->shared > w->limits->numbers) {
        return walk_stop(w, AB_NUMBERS, at, end);
    }
    return w->pairs <= w->limits->pairs || walk_stop(w, AB_PAIRS, at, end);
}

/* Where a row of the same description would be noted; bytes behind the last word tell nothing. */
static uint64_t *place_of(walk *w, uint64_t at, uint64_t end)
{
    uint64_t hash = end - at, word;
    for (; end - at >= sizeof word; at += sizeof word) {
        memcpy(&word, w->data + at, sizeof word);
        hash = hash * 31 + word;
    }
    return &w->known[(hash ^ hash >> 32) % DESCRIPTIONS];
}

uint64_t read_shared_desc(walk *w, uint64_t at, uint64_t end)
{
    uint64_t *known = place_of(w, at, end), size = end - at;
    const ab_ge_tensor *of = *known != 0 ? row_of(w, *known - 1) : NULL;
    if (of != NULL && of->place.size == size &&
        memcmp(w->data + of->place.at, w->data + at, size) == 0) {
        return count_shared(w, of, at, end) ? *known : 0;
    }
    if (add_tensor(w, at, end) == NULL) {
        return 0;
    }
    *known = w->tables->tensor_count;
    read_desc(w, at, end, *known - 1);
    return *known;
}

void read_tensor(walk *w, uint64_t at, uint64_t end, uint64_t row)
{
    ab_field field;
    while (walk_next(w, &at, end, &field)) {
        if (field.kind != WIRE_BYTES) {
            continue;
        }
        if (field.number == TENSOR_DESC) {
            read_desc(w, field.at, field.at + field.size, row);
        } else if (field.number == TENSOR_DATA) {
            row_of(w, row)->data = piece_of(&field);
        }
    }
}
