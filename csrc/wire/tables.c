/* From the bytes of a definition to its tables: graphs, and the nodes of each. */

#include "wire/ab_tables.h"

#include <stdlib.h>

#include "wire/attribute.h"
#include "wire/tensor.h"

enum { MODEL_GRAPH = 7, MODEL_ATTR = 11, GRAPH_OP = 6 };
enum { OP_NAME = 1, OP_TYPE = 2, OP_ATTR = 10, OP_INPUT_DESC = 33, OP_OUTPUT_DESC = 34 };

enum { INDEX = 1, CONSTANT, OFFSET };
static const name of_constants[] = {
    {"value", sizeof "value" - 1, CONSTANT, read_tensor},
    {NULL, 0, 0, NULL},
};
static const name of_others[] = {
    NAME("index", INDEX),
    NAME("acl_bundle_variable_offset", OFFSET),
    {NULL, 0, 0, NULL},
};

static const name kinds[] = {
    NAME("Data", AB_DATA),
    NAME("Variable", AB_VARIABLE),
    NAME("Const", AB_CONST),
    NAME("Constant", AB_CONST),
    NAME("AippData", AB_DATA),
    NAME("AnnData", AB_DATA),
    NAME("NetOutput", AB_NET_OUTPUT),
    NAME("FileConstant", AB_FILE_CONSTANT),
    {NULL, 0, 0, NULL},
};

/* Where a node's own fields lie, before any of them is looked into; at 0: it has none. */
typedef struct parts {
    ab_piece name;
    ab_piece type;
    ab_piece input;             /* the description of the first one */
    ab_piece output;
    int has_attributes;
} parts;

static void keep_first(ab_piece *first, const ab_field *field)
{
    if (first->at == 0) {
        *first = piece_of(field);
    }
}

static parts parts_of(walk *w, uint64_t at, uint64_t end)
{
    parts found = {0};
    ab_field field;
    while (walk_next(w, &at, end, &field)) {
        if (field.kind != WIRE_BYTES) {
            continue;
        }
        if (field.number == OP_NAME) {
            found.name = piece_of(&field);
        } else if (field.number == OP_TYPE) {
            found.type = piece_of(&field);
        } else if (field.number == OP_ATTR) {
            found.has_attributes = 1;
        } else if (field.number == OP_INPUT_DESC) {
            keep_first(&found.input, &field);
        } else if (field.number == OP_OUTPUT_DESC) {
            keep_first(&found.output, &field);
        }
    }
    return found;
}

static int ends_with(const walk *w, const ab_piece *text, const char *ending, uint64_t size)
{
    return text->size >= size && memcmp(w->data + text->at + text->size - size, ending, size) == 0;
}

static uint32_t kind_of(const walk *w, const parts *of)
{
    static const char then[] = "_var_then_data", variable[] = "_var";
    const name *type = name_of(w->data + of->type.at, of->type.size, kinds);
    uint32_t kind = type != NULL ? type->means : AB_OTHER;
    if (kind == AB_DATA && ends_with(w, &of->name, then, sizeof then - 1)) {
        return AB_THEN_DATA;
    }
    if (kind == AB_VARIABLE && ends_with(w, &of->name, variable, sizeof variable - 1)) {
        return AB_WEIGHT;
    }
    return kind;
}

/* The one description of a node, which has one; many nodes have the same. */
static void read_desc_of(walk *w, ab_piece desc, ab_ge_node *node)
{
    if (desc.at != 0) {
        node->tensor = (uint32_t)read_shared_desc(w, desc.at, (uint64_t)desc.at + desc.size);
        node->tensors = node->tensor != 0;
    }
}

/* The last entry of a name counts; the rows of tensors in earlier ones are left alone. */
static void read_attribute(walk *w, const ab_field *entry, ab_ge_node *node)
{
    attribute found;
    const name *names = node->kind == AB_CONST ? of_constants : of_others;
    switch (read_entry(w, entry->at, entry->at + entry->size, names, &found)) {
    case INDEX:
        node->index = integer_of(&found);
        break;
    case OFFSET:
        node->offset = integer_of(&found);
        break;
    case CONSTANT:
        node->tensor = (uint32_t)found.tensor;
        node->tensors = node->has_value = found.tensor != 0;
        break;
    default:
        break;
    }
}

static void read_attributes(walk *w, uint64_t at, uint64_t end, ab_ge_node *node)
{
    ab_field field;
    while (walk_next(w, &at, end, &field)) {
        if (field.kind == WIRE_BYTES && field.number == OP_ATTR) {
            read_attribute(w, &field, node);
        }
    }
}

/* The descriptions of all inputs, in rows one after another. */
static void read_inputs(walk *w, uint64_t at, uint64_t end, ab_ge_node *node)
{
    ab_field field;
    while (walk_next(w, &at, end, &field)) {
        if (field.kind != WIRE_BYTES || field.number != OP_INPUT_DESC) {
            continue;
        }
        if (add_tensor(w, field.at, field.at + field.size) == NULL) {
            return;
        }
        if (node->tensors++ == 0) {
            node->tensor = (uint32_t)w->tables->tensor_count;
        }
        read_desc(w, field.at, field.at + field.size, w->tables->tensor_count - 1);
    }
}

/* The last node is one. */
static void note_net_output(walk *w)
{
    if (w->tables->net_output == 0) {
        w->tables->net_output = w->tables->node_count;
    }
}

/* The tensor that a node is about, where it is about one that is asked for. */
static void read_tensors(walk *w, const parts *of, int with_ends, ab_ge_node *node)
{
    uint64_t at = node->place.at, end = at + node->place.size;
    switch (node->kind) {
    case AB_CONST:
    case AB_WEIGHT:
        if (!node->has_value) {
            read_desc_of(w, of->output, node);
        }
        break;
    case AB_THEN_DATA:
    case AB_DATA:
        if (with_ends) {
            read_desc_of(w, of->input, node);
        } else if (node->kind == AB_THEN_DATA) {
            read_desc_of(w, of->output.at != 0 ? of->output : of->input, node);
        }
        break;
    case AB_NET_OUTPUT:
        if (with_ends) {
            note_net_output(w);
            read_inputs(w, at, end, node);
        }
        break;
    default:
        break;
    }
}

static int has_attributes(const ab_ge_node *node, int with_ends)
{
    return node->kind == AB_CONST || node->kind == AB_WEIGHT ||
           (with_ends && (node->kind == AB_DATA || node->kind == AB_THEN_DATA));
}

static void read_node(walk *w, const ab_field *whole, int with_ends)
{
    uint64_t at = whole->at, end = whole->at + whole->size;
    ab_ge_node *node = add_node(w, at, end);
    if (node == NULL) {
        return;
    }
    parts of = parts_of(w, at, end);
    node->place = piece_of(whole);
    node->name = of.name;
    node->kind = kind_of(w, &of);
    w->tables->kinds[node->kind]++;
    if (of.has_attributes && has_attributes(node, with_ends)) {
        read_attributes(w, at, end, node);
    }
    read_tensors(w, &of, with_ends, node);
}

static void read_graph(walk *w, const ab_field *whole, int with_ends)
{
    ab_field field;
    uint64_t at = whole->at, end = whole->at + whole->size;
    ab_ge_graph *graph = add_graph(w, at, end);
    if (graph == NULL) {
        return;
    }
    graph->place = piece_of(whole);
    graph->nodes.at = (uint32_t)w->tables->node_count;
    while (walk_next(w, &at, end, &field)) {
        if (field.kind == WIRE_BYTES && field.number == GRAPH_OP) {
            read_node(w, &field, with_ends);
        }
    }
    graph->nodes.count = (uint32_t)(w->tables->node_count - graph->nodes.at);
}

/* Ends are those of the root, the first graph. */
static void read_model(walk *w, uint64_t size, int with_ends)
{
    ab_field field;
    uint64_t at = 0;
    while (walk_next(w, &at, size, &field)) {
        if (field.kind == WIRE_BYTES && field.number == MODEL_GRAPH) {
            read_graph(w, &field, with_ends && w->tables->graph_count == 0);
        }
        w->tables->attribute_count += field.number == MODEL_ATTR;
    }
}

/* Gives the tables over, or back. */
static int finish(walk *w)
{
    if (w->status != AB_READ) {
        ab_tables_free(w->tables);
    }
    return w->status;
}

int ab_tables_read(const uint8_t *data, uint64_t size, int with_ends, const ab_limits *limits,
                   ab_tables *tables)
{
    *tables = (ab_tables){0};
    walk w = {.data = data, .limits = limits, .tables = tables};
    read_model(&w, size, with_ends);
    return finish(&w);
}

int ab_tables_describe(const uint8_t *data, uint64_t size, int is_value, const ab_limits *limits,
                       ab_tables *tables)
{
    *tables = (ab_tables){0};
    walk w = {.data = data, .limits = limits, .tables = tables};
    if (add_tensor(&w, 0, size) != NULL) {
        (is_value ? read_tensor : read_desc)(&w, 0, size, 0);
    }
    return finish(&w);
}

void ab_tables_free(ab_tables *tables)
{
    free(tables->graphs);
    free(tables->nodes);
    free(tables->tensors);
    free(tables->numbers);
}
