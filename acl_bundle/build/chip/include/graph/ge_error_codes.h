/* What GE's C++ interface returns. */
#ifndef ACL_BUNDLE_GRAPH_GE_ERROR_CODES_H
#define ACL_BUNDLE_GRAPH_GE_ERROR_CODES_H

#include <cstdint>

namespace ge {

using graphStatus = uint32_t;

constexpr graphStatus GRAPH_SUCCESS = 0;
constexpr graphStatus GRAPH_FAILED = 0xFFFFFFFF;
constexpr graphStatus GRAPH_PARAM_INVALID = 50331649;

}  // namespace ge

#endif
