/* One node of a graph. What is called lies in libgraph.so. */
#ifndef ACL_BUNDLE_GRAPH_GNODE_H
#define ACL_BUNDLE_GRAPH_GNODE_H

#include <memory>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"

namespace ge {

class NodeImpl;

class GNode {
 public:
  GNode() = default;
  graphStatus GetType(AscendString &type) const;
  graphStatus GetName(AscendString &name) const;

 private:
  friend struct Access; /* of the library */
  std::shared_ptr<NodeImpl> impl_;
};

using GNodePtr = std::shared_ptr<GNode>;

static_assert(sizeof(GNode) == 16, "as in the library");

}  // namespace ge

#endif
