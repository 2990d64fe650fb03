/* From ONNX to a graph. What is called lies in libfmk_onnx_parser.so. */
#ifndef ACL_BUNDLE_PARSER_ONNX_PARSER_H
#define ACL_BUNDLE_PARSER_ONNX_PARSER_H

#include <cstddef>
#include <map>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/graph.h"

namespace ge {

graphStatus aclgrphParseONNX(const char *model_file,
                             const std::map<AscendString, AscendString> &parser_params,
                             Graph &graph);
/* The size is cut to 32 bits inside. */
graphStatus aclgrphParseONNXFromMem(const char *buffer, size_t size,
                                    const std::map<AscendString, AscendString> &parser_params,
                                    Graph &graph);

}  // namespace ge

#endif
