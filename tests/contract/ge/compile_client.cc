/*
 * A program as one writes it for GE's compiler: an ONNX file becomes a bundle.
 *
 *     compile_client model.onnx output constant...
 *
 * Prints the constants that the graph has, one in a line; with none named, that is all.
 * What fails is told with the function and its status.
 */
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "ge/ge_ir_build.h"
#include "graph/gnode.h"
#include "graph/graph.h"
#include "parser/onnx_parser.h"

extern "C" const char *aclGetRecentErrMsg(void);

namespace {

using Options = std::map<ge::AscendString, ge::AscendString>;

void check(const char *what, ge::graphStatus status) {
  if (status == ge::GRAPH_SUCCESS) return;
  const char *text = aclGetRecentErrMsg();
  std::fprintf(stderr, "%s returned %u: %s\n", what, status, text == nullptr ? "" : text);
  ge::aclgrphBuildFinalize();
  std::exit(1);
}

void print_constants(const ge::Graph &graph) {
  for (const ge::GNode &node : graph.GetAllNodes()) {
    ge::AscendString name;
    ge::AscendString type;
    check("GetName", node.GetName(name));
    check("GetType", node.GetType(type));
    if (std::string(type.GetString()) == "Const") std::cout << name.GetString() << "\n";
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  Options global = {{"ge.socVersion", "Ascend910B3"},
                    {"ge.exec.precision_mode", "must_keep_origin_dtype"}};
  check("aclgrphBuildInitialize", ge::aclgrphBuildInitialize(global));

  ge::Graph graph("sample");
  check("aclgrphParseONNX", ge::aclgrphParseONNX(argv[1], Options(), graph));
  print_constants(graph);

  std::vector<ge::AscendString> names(argv + 3, argv + argc);
  if (names.empty()) return 0;
  ge::WeightRefreshableGraphs parts;
  check("aclgrphConvertToWeightRefreshableGraphs",
        ge::aclgrphConvertToWeightRefreshableGraphs(graph, names, parts));

  std::vector<ge::GraphWithOptions> graphs;
  graphs.push_back({parts.infer_graph, {{"input_format", "ND"}}});
  graphs.push_back({parts.var_init_graph, {}});
  graphs.push_back({parts.var_update_graph, {}});
  ge::ModelBufferData model{nullptr, 0};
  check("aclgrphBundleBuildModel", ge::aclgrphBundleBuildModel(graphs, model));
  check("aclgrphBundleSaveModel", ge::aclgrphBundleSaveModel(argv[2], model));
  ge::aclgrphBuildFinalize();
  return 0;
}
