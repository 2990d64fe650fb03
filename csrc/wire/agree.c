/* Most graphs of a bundle say the same of its weights, which is seen without decoding it. */

#include <string.h>

#include "wire/ab_tables.h"

static const ab_ge_node *next_of(const ab_nodes *nodes, uint64_t *at)
{
    while (*at < nodes->tables->node_count) {
        const ab_ge_node *node = &nodes->tables->nodes[(*at)++];
        if (node->kind == nodes->kind) {
            return node;
        }
    }
    return NULL;
}

static int has_same_name(const ab_nodes *nodes, const ab_ge_node *node, const ab_nodes *others,
                         const ab_ge_node *other)
{
    uint32_t size = node->name.size - nodes->cut;
    return size == other->name.size - others->cut &&
           memcmp(nodes->data + node->name.at, others->data + other->name.at, size) == 0;
}

static int has_same_shape(const ab_tables *tables, uint32_t row, const ab_tables *others,
                          uint32_t other)
{
    if (row == 0 || other == 0) {
        return 0;
    }
    const ab_ge_tensor *a = &tables->tensors[row - 1], *b = &others->tensors[other - 1];
    return a->told == AB_WHOLE && b->told == AB_WHOLE && a->origin.count == b->origin.count &&
           (a->origin.count == 0 ||
            memcmp(tables->numbers + a->origin.at, others->numbers + b->origin.at,
                   a->origin.count * sizeof *tables->numbers) == 0);
}

static int has_no_other_offset(const ab_ge_node *node, const ab_ge_node *other)
{
    return node->offset.kind == 0 ||
           (other->offset.kind != 0 && node->offset.value == other->offset.value);
}

int ab_tables_agree(const ab_nodes *nodes, const ab_nodes *others)
{
    uint64_t at = 0, there = 0;
    const ab_ge_node *node, *other;
    if (nodes->tables->kinds[nodes->kind] != others->tables->kinds[others->kind]) {
        return 0;
    }
    while ((node = next_of(nodes, &at)) != NULL && (other = next_of(others, &there)) != NULL) {
        if (!has_same_name(nodes, node, others, other) ||
            !has_same_shape(nodes->tables, node->tensor, others->tables, other->tensor) ||
            !has_no_other_offset(node, other)) {
            return 0;
        }
    }
    return 1;
}
