/*
 * The definition of a model (ge.proto's ModelDef) as flat tables, made in one pass.
 *
 * Rows say where things lie in the bytes that were read; nothing is copied but
 * numbers. Fields are merged as protobuf merges them: the last value of a field
 * counts, the last entry of a map, the last kind of an attribute, and messages
 * that are there twice are one message. A field of another wire type than the
 * schema's is no field.
 *
 * Every node has a row. Tensors have one where somebody asks for them: those of
 * weights (of a Variable and of the Data of a branch that assigns, by the endings
 * of their names, and of constants), and those that the root takes and gives. Nodes that are
 * described by the same bytes may have one row.
 */
#ifndef AB_TABLES_CALLS_H
#define AB_TABLES_CALLS_H

#include <stdint.h>

/* Kinds of nodes: all others; Data whose name ends with "_var_then_data"; Data of other names;
 * constants; Variable whose name ends with "_var"; and of other names. */
enum {
    AB_OTHER,
    AB_THEN_DATA,
    AB_DATA,
    AB_CONST,
    AB_WEIGHT,
    AB_VARIABLE,
    AB_NET_OUTPUT,
    AB_FILE_CONSTANT,
    AB_KINDS
};
enum { AB_NOTHING, AB_WHOLE, AB_OPEN };

typedef struct ab_piece {
    uint32_t at;
    uint32_t size;
} ab_piece;

/* Numbers of the pool, as many as count from the index at on. */
typedef struct ab_list {
    uint32_t at;
    uint32_t count;
} ab_list;

/* A number that may be missing: kind is the field of the attribute that it is, or 0. */
typedef struct ab_integer {
    int64_t value;
    int64_t kind;
} ab_integer;

typedef struct ab_ge_graph {
    ab_piece place;
    ab_list nodes;
} ab_ge_graph;

typedef struct ab_ge_node {
    ab_piece place;
    ab_piece name;
    uint32_t kind;
    uint32_t tensor;            /* 1 + the first row of its tensors; 0: it has none */
    uint32_t tensors;
    uint32_t has_value;         /* of a constant: its tensor is a value, not a description */
    ab_integer index;           /* attribute "index" */
    ab_integer offset;          /* attribute "acl_bundle_variable_offset" */
} ab_ge_node;

typedef struct ab_ge_tensor {
    ab_piece place;             /* of its description, the last one; size 0: none */
    ab_piece layout;
    ab_piece data;              /* of a value */
    ab_list shape;
    ab_list origin;             /* attribute "origin_shape" */
    ab_list ranges;             /* attribute "shape_range", two numbers for each pair */
    int32_t dtype;
    uint32_t told;              /* what is known of origin: AB_NOTHING to AB_OPEN */
    ab_integer override;        /* attribute "__tensor_desc_data_type__" */
    ab_integer format;          /* attribute "format_for_int" */
    int64_t nbytes;
    int64_t weight_nbytes;
    int64_t data_offset;
} ab_ge_tensor;

/* How many rows of each kind there may be, numbers in one list, and pairs in all. */
typedef struct ab_limits {
    uint64_t graphs;
    uint64_t nodes;
    uint64_t tensors;
    uint64_t numbers;
    uint64_t listed;
    uint64_t pairs;
} ab_limits;

enum {
    AB_READ,
    AB_DAMAGED,
    AB_NO_MEMORY,
    AB_GRAPHS,
    AB_NODES,
    AB_TENSORS,
    AB_NUMBERS,
    AB_LISTED,
    AB_PAIRS
};

typedef struct ab_tables {
    uint64_t kinds[AB_KINDS];   /* nodes of each kind */
    ab_ge_graph *graphs;
    ab_ge_node *nodes;
    ab_ge_tensor *tensors;
    int64_t *numbers;
    uint64_t graph_count;
    uint64_t node_count;
    uint64_t tensor_count;
    uint64_t number_count;
    uint64_t attribute_count;   /* of the definition itself */
    uint64_t net_output;        /* 1 + the row of the root's first one, with_ends; 0: none */
    uint64_t at;                /* of what is wrong: the field, and the end of its message */
    uint64_t end;
} ab_tables;

/*
 * Reads a definition of less than 2 GiB; with_ends: also what the root takes and
 * gives. AB_READ: the arrays are the caller's, who frees them with ab_tables_free.
 * Else which limit was met, or what else is wrong, and there are no arrays.
 */
int ab_tables_read(const uint8_t *data, uint64_t size, int with_ends, const ab_limits *limits,
                   ab_tables *tables);

/* The same of one description of a tensor (TensorDescriptor), or one tensor with its value. */
int ab_tables_describe(const uint8_t *data, uint64_t size, int is_value, const ab_limits *limits,
                       ab_tables *tables);

/* The nodes of a kind, whose names count without the last cut bytes, which they have. */
typedef struct ab_nodes {
    const uint8_t *data;
    const ab_tables *tables;
    uint32_t kind;
    uint32_t cut;
} ab_nodes;

/*
 * Whether some nodes say the same of weights as others: as many, in the same order, with
 * the same names and the same shapes, which are whole; and offsets only where the others
 * have the same.
 */
int ab_tables_agree(const ab_nodes *nodes, const ab_nodes *others);

/* Frees the arrays. */
void ab_tables_free(ab_tables *tables);

#endif
