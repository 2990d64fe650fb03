/* libge_compiler.so: compiled models into files. */
#include <cstring>

#include "fields.h"
#include "ge.h"
#include "refusal.h"

namespace ge {

namespace {

constexpr size_t kHeader = 256;
constexpr size_t kModelType = 82;
constexpr uint8_t kBundle = 5;
const uint8_t kMagic[] = {'I', 'M', 'O', 'D'};

bool is_bundle(const ModelBufferData &model) {
  if (model.data == nullptr || model.length < kHeader)
    fake::fail("the model has " + std::to_string(model.length) + " bytes; a header has 256");
  const uint8_t *const data = model.data.get();
  if (data[kModelType] == kBundle) return true;
  if (std::memcmp(data, kMagic, sizeof kMagic) != 0) fake::fail("the bytes are no model");
  return false;
}

void save(const char *output_file, const ModelBufferData &model) {
  const char *const data = reinterpret_cast<const char *>(model.data.get());

  fake::write_file(std::string(output_file) + ".om", std::string(data, model.length));
}

}  // namespace

graphStatus aclgrphSaveModel(const char *output_file, const ModelBufferData &model) {
  return fake::answered("aclgrphSaveModel", [&] {
    if (model.data == nullptr || model.length == 0) fake::invalid("the model is empty");
    if (output_file == nullptr) fake::invalid("output_file is NULL");
    if (is_bundle(model)) fake::fail("this is a bundle: aclgrphBundleSaveModel saves it");
    save(output_file, model);
  });
}

graphStatus aclgrphBundleSaveModel(const char *output_file, const ModelBufferData &model) {
  return fake::answered("aclgrphBundleSaveModel", [&] {
    if (output_file == nullptr) fake::invalid("output_file is NULL");
    if (!is_bundle(model)) fake::fail("this is no bundle: aclgrphSaveModel saves it");
    save(output_file, model);
  });
}

graphStatus aclgrphDumpGraph(const Graph &graph, const char *file, const size_t len) {
  return fake::answered("aclgrphDumpGraph", [&] {
    if (file == nullptr) fake::fail("file is NULL");
    if (len == 0 || len != std::strlen(file)) fake::invalid("len is not the length of file");
    std::string text;
    for (const GNode &node : graph.GetAllNodes()) {
      AscendString name;
      AscendString type;
      if (node.GetName(name) != GRAPH_SUCCESS || node.GetType(type) != GRAPH_SUCCESS) return;
      text += std::string(type.GetString()) + '\t' + name.GetString() + '\n';
    }
    fake::write_file(std::string(file) + ".txt", text);
  });
}

}  // namespace ge
