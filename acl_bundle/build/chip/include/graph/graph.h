/* A graph: a handle, of which copies are the same graph. What is called lies in libgraph.so. */
#ifndef ACL_BUNDLE_GRAPH_GRAPH_H
#define ACL_BUNDLE_GRAPH_GRAPH_H

#include <memory>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/gnode.h"

namespace ge {

class GraphImpl;

class Graph {
 public:
  Graph() = default;
  explicit Graph(const char *name);

  /* Every node, those of graphs inside it as well. */
  std::vector<GNode> GetAllNodes() const;
  /* The graph's own. */
  std::vector<GNode> GetDirectNode() const;
  graphStatus GetAllOpName(std::vector<AscendString> &op_name) const;
  /* NULL where there is none. */
  GNodePtr FindNodeByName(const AscendString &name) const;

  graphStatus SaveToFile(const char *file_name) const;
  graphStatus LoadFromFile(const char *file_name);

 private:
  friend struct Access; /* of the library */
  std::shared_ptr<GraphImpl> impl_;
};

static_assert(sizeof(Graph) == 16, "as in the library");

}  // namespace ge

#endif
