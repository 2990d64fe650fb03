/* libfmk_onnx_parser.so */
#include <filesystem>

#include "graph_impl.h"
#include "python.h"
#include "refusal.h"

namespace ge {

namespace {

void parse(std::string bytes, const std::string &folder,
           const std::map<AscendString, AscendString> &parameters, Graph *graph) {
  GraphImpl made;

  made.name = "tmpGraph";
  made.role = "model";
  made.folder = folder;
  made.onnx = std::make_shared<const std::string>(std::move(bytes));
  for (const auto &[key, value] : parameters)
    made.parameters.emplace_back(key.GetString(), value.GetString());
  fake::Fields request;
  fake::put_graph(&request, made);
  for (const auto &[type, name] : fake::python("parse", request))
    made.nodes.push_back({name, type});
  Access::put(graph, std::move(made));
}

}  // namespace

graphStatus aclgrphParseONNX(const char *model_file,
                             const std::map<AscendString, AscendString> &parser_params,
                             Graph &graph) {
  return fake::answered("aclgrphParseONNX", [&] {
    if (model_file == nullptr) fake::fail("model_file is NULL");
    const std::filesystem::path path = std::filesystem::absolute(model_file);
    parse(fake::read_file(model_file), path.parent_path().string(), parser_params, &graph);
  });
}

graphStatus aclgrphParseONNXFromMem(const char *buffer, size_t size,
                                    const std::map<AscendString, AscendString> &parser_params,
                                    Graph &graph) {
  return fake::answered("aclgrphParseONNXFromMem", [&] {
    if (buffer == nullptr) fake::fail("buffer is NULL");
    parse(std::string(buffer, static_cast<uint32_t>(size)), "", parser_params, &graph);
  });
}

}  // namespace ge
