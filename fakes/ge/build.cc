/* libge_compiler.so: graphs become plain models and bundles. */
#include <cstdlib>
#include <cstring>
#include <memory>

#include "graph_impl.h"
#include "initialize.h"
#include "python.h"
#include "refusal.h"

namespace ge {

namespace {

using Options = std::map<AscendString, AscendString>;

/* A file is read by a process with another folder; one that is not there keeps its name. */
std::string whole_path(const char *path) {
  const std::unique_ptr<char, decltype(&std::free)> whole(realpath(path, nullptr), std::free);
  return whole ? whole.get() : path;
}

/* A graph of the same model as the one before it is without the model. */
void put(fake::Fields *request, const Graph &graph, const Graph *before, const Options &options) {
  const GraphImpl &impl = fake::parsed(graph);
  const bool same = before != nullptr && fake::parsed(*before).onnx == impl.onnx;

  fake::put_graph(request, impl, !same);
  for (const auto &[key, value] : options) {
    const bool is_file = std::strcmp(key.GetString(), "ge.insertOpFile") == 0;
    request->emplace_back(std::string("option.") + key.GetString(),
                          is_file ? whole_path(value.GetString()) : value.GetString());
  }
}

void take(const fake::Fields &answer, ModelBufferData *model) {
  if (answer.size() != 1 || answer.front().first != "om") fake::fail("the answer holds no model");
  const std::string &bytes = answer.front().second;
  const std::shared_ptr<uint8_t> data(new uint8_t[bytes.size()], std::default_delete<uint8_t[]>());
  std::memcpy(data.get(), bytes.data(), bytes.size());
  model->data = data;
  model->length = bytes.size();
}

/* A plain model's options may be empty, a bundle's may not. */
void check_no_empty(const Options &options) {
  for (const auto &[key, value] : options) {
    if (*key.GetString() == '\0') fake::fail("build_options has an empty key");
    if (*value.GetString() == '\0')
      fake::fail(std::string("build option ") + key.GetString() + " has no value");
  }
}

}  // namespace

graphStatus aclgrphBuildModel(const Graph &graph, const Options &build_options,
                              ModelBufferData &model) {
  return fake::answered("aclgrphBuildModel", [&] {
    fake::Fields request = fake::global_options();
    put(&request, graph, nullptr, build_options);
    take(fake::python("model", request), &model);
  });
}

graphStatus aclgrphBundleBuildModel(const std::vector<GraphWithOptions> &graph_with_options,
                                    ModelBufferData &model) {
  return fake::answered("aclgrphBundleBuildModel", [&] {
    if (graph_with_options.size() < 2)
      fake::invalid("graph_with_options holds " + std::to_string(graph_with_options.size()) +
                    " graphs; a bundle has two or more");
    fake::Fields request = fake::global_options();
    const Graph *before = nullptr;
    for (const GraphWithOptions &one : graph_with_options) {
      check_no_empty(one.build_options);
      put(&request, one.graph, before, one.build_options);
      before = &one.graph;
    }
    take(fake::python("bundle", request), &model);
  });
}

}  // namespace ge
