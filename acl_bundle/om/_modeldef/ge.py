"""Field numbers of ge.proto, the schema of MODEL_DEF (facts 5.5).

One constant per field that is read or written here, named message first.
Map entries are messages with the key in field 1 and the value in field 2.
"""

from __future__ import annotations

from typing import Final

MAP_KEY: Final = 1
MAP_VALUE: Final = 2

MODEL_NAME: Final = 1
MODEL_VERSION: Final = 2
MODEL_GRAPH: Final = 7
MODEL_ATTR: Final = 11

GRAPH_NAME: Final = 1
GRAPH_INPUT: Final = 4
GRAPH_OUTPUT: Final = 5
GRAPH_OP: Final = 6
GRAPH_ATTR: Final = 11

OP_NAME: Final = 1
OP_TYPE: Final = 2
OP_INPUT: Final = 5
OP_ATTR: Final = 10
OP_ID: Final = 21
OP_SRC_NAME: Final = 24
OP_SRC_INDEX: Final = 25
OP_INPUT_DESC: Final = 33
OP_OUTPUT_DESC: Final = 34
OP_SUBGRAPH: Final = 35

DESC_NAME: Final = 1
DESC_DTYPE: Final = 2
DESC_SHAPE: Final = 3
DESC_LAYOUT: Final = 4
DESC_ATTR: Final = 5
DESC_SIZE: Final = 10
DESC_WEIGHT_SIZE: Final = 11
DESC_DATA_OFFSET: Final = 18
SHAPE_DIM: Final = 1

TENSOR_DESC: Final = 1
TENSOR_DATA: Final = 2

ATTR_LIST: Final = 1
ATTR_S: Final = 2
ATTR_I: Final = 3
ATTR_F: Final = 4
ATTR_B: Final = 5
ATTR_BT: Final = 7
ATTR_FUNC: Final = 10
ATTR_TD: Final = 11
ATTR_T: Final = 12
ATTR_LIST_LIST_INT: Final = 14
ATTR_DT: Final = 15

LIST_S: Final = 2
LIST_I: Final = 3
LIST_F: Final = 4
LIST_B: Final = 5
LIST_BT: Final = 7
LIST_TD: Final = 8
LIST_T: Final = 9
LIST_DT: Final = 12
LIST_TYPE: Final = 20
LIST_TYPE_STRING: Final = 1
LIST_TYPE_INT: Final = 2
LIST_TYPE_FLOAT: Final = 3

FUNC_ATTR: Final = 2

LIST_LIST_INT: Final = 1
LIST_INT: Final = 1

# Names of attributes.
INDEX: Final = "index"
VALUE: Final = "value"
ORIGIN_SHAPE: Final = "origin_shape"
FORMAT_FOR_INT: Final = "format_for_int"
ORIGIN_FORMAT_FOR_INT: Final = "origin_format_for_int"
SHAPE_RANGE: Final = "shape_range"
DTYPE_OVERRIDE: Final = "__tensor_desc_data_type__"
OUT_NODES: Final = "attr_model_out_nodes_name"
PARENT_INDEX: Final = "_parent_node_index"
AIPP: Final = "aipp"
AIPP_MODE: Final = "_data_related_aipp_mode"
AIPP_DATA: Final = "_data_aipp_data_name_map"
# Ours, on Variable nodes: where the variable starts in the variables' memory.
VARIABLE_OFFSET: Final = "acl_bundle_variable_offset"
# Ours, of an update model: what makes its weights of a trainer's.
WEIGHT_PROGRAM: Final = "acl_bundle_weight_program"

INPUT_TYPES: Final = ("Data", "AippData", "AnnData")
OUTPUT_TYPE: Final = "NetOutput"
CONST_TYPES: Final = ("Const", "Constant")
VARIABLE_TYPE: Final = "Variable"
FILE_CONSTANT_TYPE: Final = "FileConstant"
