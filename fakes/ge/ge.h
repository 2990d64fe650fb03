/* GE's declarations, for the libraries that define what they declare. */
#ifndef FAKE_GE_GE_H
#define FAKE_GE_GE_H

#pragma GCC visibility push(default)
#include "ge/ge_ir_build.h"
#include "graph/gnode.h"
#include "graph/graph.h"
#include "parser/onnx_parser.h"
#pragma GCC visibility pop

#endif
