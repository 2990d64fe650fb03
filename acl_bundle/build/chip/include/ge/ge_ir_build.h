/*
 * GE's compiler: graphs become plain models and bundles. Our own declarations
 * of what libge_compiler.so exports; all return GRAPH_SUCCESS or another
 * graphStatus.
 */
#ifndef ACL_BUNDLE_GE_GE_IR_BUILD_H
#define ACL_BUNDLE_GE_GE_IR_BUILD_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/graph.h"

namespace ge {

/* A compiled model in memory. Some releases write the lower half of length alone: set it to 0. */
struct ModelBufferData {
  std::shared_ptr<uint8_t> data;
  uint64_t length;
};

struct GraphWithOptions {
  Graph graph;
  std::map<AscendString, AscendString> build_options;
};

/* Three graphs over the same variables: to infer, to give them first values, and new ones. */
struct WeightRefreshableGraphs {
  Graph infer_graph;
  Graph var_init_graph;
  Graph var_update_graph;
};

static_assert(sizeof(ModelBufferData) == 24, "as in the library");
static_assert(sizeof(GraphWithOptions) == 64, "as in the library");
static_assert(sizeof(WeightRefreshableGraphs) == 48, "as in the library");

/* Once in a process, before anything is built; "ge.socVersion" names the chip. */
graphStatus aclgrphBuildInitialize(std::map<AscendString, AscendString> &global_options);
void aclgrphBuildFinalize();

graphStatus aclgrphBuildModel(const Graph &graph,
                              const std::map<AscendString, AscendString> &build_options,
                              ModelBufferData &model);
/* Writes <output_file>.om. */
graphStatus aclgrphSaveModel(const char *output_file, const ModelBufferData &model);

/* Makes variables of the constants that are named, in this order. */
graphStatus aclgrphConvertToWeightRefreshableGraphs(
    const Graph &origin_graph, const std::vector<AscendString> &const_names,
    WeightRefreshableGraphs &weight_refreshable_graphs);

/* Two graphs or more; no key and no value of an option may be empty. */
graphStatus aclgrphBundleBuildModel(const std::vector<GraphWithOptions> &graph_with_options,
                                    ModelBufferData &model);
/* Writes <output_file>.om, or <output_file>_<host>.om where kernels are packed into it. */
graphStatus aclgrphBundleSaveModel(const char *output_file, const ModelBufferData &model);

graphStatus aclgrphGetIRVersion(int32_t *major_version, int32_t *minor_version,
                                int32_t *patch_version);
graphStatus aclgrphDumpGraph(const Graph &graph, const char *file, const size_t len);

}  // namespace ge

#endif
