/* Tables that grow, up to their limits. */

#include "wire/rows.h"

#include <stdlib.h>

enum { FIRST_ROOM = 64 };

int walk_stop(walk *w, int status, uint64_t at, uint64_t end)
{
    if (w->status == AB_READ) {
        w->status = status;
        w->tables->at = at;
        w->tables->end = end;
    }
    return 0;
}

int take_number(walk *w, ab_field *field, uint64_t *value)
{
    if (field->kind == WIRE_VARINT) {
        *value = field->at;
        field->kind = WIRE_BYTES;
        field->size = 0;
        return 1;
    }
    if (field->kind != WIRE_BYTES || field->size == 0 || w->status != AB_READ) {
        return 0;
    }
    uint64_t step = wire_short(w->data + field->at, field->size, value);
    if (step == 0) {
        step = wire_number(w->data + field->at, field->size, value);
    }
    if (step == 0) {
        return walk_stop(w, AB_DAMAGED, field->at, field->at + field->size);
    }
    field->at += step;
    field->size -= step;
    return 1;
}

/* Room for count + 1 rows of width bytes; NULL without memory, and the rows are as before. */
static void *room_for(void *rows, uint64_t count, uint64_t *room, size_t width)
{
    if (count < *room) {
        return rows;
    }
    uint64_t more = *room == 0 ? FIRST_ROOM : *room * 2;
    void *grown = more > SIZE_MAX / width ? NULL : realloc(rows, (size_t)more * width);
    if (grown != NULL) {
        *room = more;
    }
    return grown;
}

ab_ge_graph *add_graph(walk *w, uint64_t at, uint64_t end)
{
    ab_tables *t = w->tables;
    if (t->graph_count >= w->limits->graphs) {
        walk_stop(w, AB_GRAPHS, at, end);
        return NULL;
    }
    ab_ge_graph *rows = room_for(t->graphs, t->graph_count, &w->graph_room, sizeof *rows);
    if (rows == NULL) {
        walk_stop(w, AB_NO_MEMORY, at, end);
        return NULL;
    }
    t->graphs = rows;
    return memset(&rows[t->graph_count++], 0, sizeof *rows);
}

ab_ge_node *add_node(walk *w, uint64_t at, uint64_t end)
{
    ab_tables *t = w->tables;
    if (t->node_count >= w->limits->nodes) {
        walk_stop(w, AB_NODES, at, end);
        return NULL;
    }
    ab_ge_node *rows = room_for(t->nodes, t->node_count, &w->node_room, sizeof *rows);
    if (rows == NULL) {
        walk_stop(w, AB_NO_MEMORY, at, end);
        return NULL;
    }
    t->nodes = rows;
    return memset(&rows[t->node_count++], 0, sizeof *rows);
}

ab_ge_tensor *add_tensor(walk *w, uint64_t at, uint64_t end)
{
    ab_tables *t = w->tables;
    if (t->tensor_count >= w->limits->tensors) {
        walk_stop(w, AB_TENSORS, at, end);
        return NULL;
    }
    ab_ge_tensor *rows = room_for(t->tensors, t->tensor_count, &w->tensor_room, sizeof *rows);
    if (rows == NULL) {
        walk_stop(w, AB_NO_MEMORY, at, end);
        return NULL;
    }
    t->tensors = rows;
    return memset(&rows[t->tensor_count++], 0, sizeof *rows);
}

static int append(walk *w, uint64_t value, uint64_t at, uint64_t end)
{
    ab_tables *t = w->tables;
    if (t->number_count + w->shared >= w->limits->numbers) {
        return walk_stop(w, AB_NUMBERS, at, end);
    }
    int64_t *numbers = room_for(t->numbers, t->number_count, &w->number_room, sizeof *numbers);
    if (numbers == NULL) {
        return walk_stop(w, AB_NO_MEMORY, at, end);
    }
    t->numbers = numbers;
    numbers[t->number_count++] = (int64_t)value;
    return 1;
}

/*
 * What is moved counts against the limit of all numbers, so lists that are
 * written in turns cannot make the reading of a definition quadratic.
 */
void add_number(walk *w, ab_list *list, uint64_t value, uint64_t at, uint64_t end)
{
    ab_tables *t = w->tables;
    if (list->count >= w->limits->listed) {
        walk_stop(w, AB_LISTED, at, end);
        return;
    }
    if (list->at + list->count != t->number_count) {
        uint64_t from = list->at;
        list->at = (uint32_t)t->number_count;
        for (uint32_t i = 0; i < list->count; i++) {
            if (!append(w, (uint64_t)t->numbers[from + i], at, end)) {
                return;
            }
        }
    }
    list->count += (uint32_t)append(w, value, at, end);
}
