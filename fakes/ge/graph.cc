/* libgraph.so: the two handles. A graph's file is of a form of our own, not GE's air. */
#include "graph_impl.h"

#include "refusal.h"

namespace ge {

namespace {

const char *const kFile = "acl_bundle graph 1";

fake::Fields all_of(const GraphImpl &graph) {
  fake::Fields fields = {{kFile, ""}};

  fake::put_graph(&fields, graph);
  for (const NodeImpl &node : graph.nodes) fields.emplace_back("node." + node.type, node.name);
  return fields;
}

bool starts(const std::string &text, const std::string &with) {
  return text.compare(0, with.size(), with) == 0;
}

void take(GraphImpl *graph, const std::string &key, const std::string &value) {
  if (key == "graph") graph->role = value;
  if (key == "name") graph->name = value;
  if (key == "folder") graph->folder = value;
  if (key == "onnx") graph->onnx = std::make_shared<const std::string>(value);
  if (key == "constant") graph->constants.push_back(value);
  if (starts(key, "node.")) graph->nodes.push_back({value, key.substr(5)});
  if (starts(key, "parse.")) graph->parameters.emplace_back(key.substr(6), value);
}

}  // namespace

Graph::Graph(const char *name) : impl_(std::make_shared<GraphImpl>()) {
  impl_->name = name == nullptr ? "" : name;
}

std::vector<GNode> Graph::GetAllNodes() const {
  std::vector<GNode> found;

  if (impl_ != nullptr)
    for (const NodeImpl &node : impl_->nodes) found.push_back(Access::node(node));
  return found;
}

std::vector<GNode> Graph::GetDirectNode() const { return GetAllNodes(); }

graphStatus Graph::GetAllOpName(std::vector<AscendString> &op_name) const {
  return fake::answered("Graph::GetAllOpName", [&] {
    if (impl_ == nullptr) fake::fail("the graph has no name and holds nothing");
    for (const NodeImpl &node : impl_->nodes) op_name.emplace_back(node.name.c_str());
  });
}

GNodePtr Graph::FindNodeByName(const AscendString &name) const {
  if (impl_ != nullptr)
    for (const NodeImpl &node : impl_->nodes)
      if (node.name == name.GetString()) return std::make_shared<GNode>(Access::node(node));
  return nullptr;
}

graphStatus Graph::SaveToFile(const char *file_name) const {
  return fake::answered("Graph::SaveToFile", [&] {
    if (file_name == nullptr) fake::fail("file_name is NULL");
    fake::write_file(file_name, fake::to_bytes(all_of(fake::parsed(*this))));
  });
}

graphStatus Graph::LoadFromFile(const char *file_name) {
  return fake::answered("Graph::LoadFromFile", [&] {
    if (file_name == nullptr) fake::fail("file_name is NULL");
    const fake::Fields fields = fake::from_bytes(fake::read_file(file_name));
    if (fields.empty() || fields.front().first != kFile)
      fake::fail(std::string(file_name) + " is no graph that this stand-in saved");
    GraphImpl made;
    for (const auto &[key, value] : fields) take(&made, key, value);
    Access::put(this, std::move(made));
  });
}

graphStatus GNode::GetName(AscendString &name) const {
  return fake::answered("GNode::GetName", [&] {
    if (impl_ == nullptr) fake::fail("this is no node of a graph");
    name = AscendString(impl_->name.c_str());
  });
}

graphStatus GNode::GetType(AscendString &type) const {
  return fake::answered("GNode::GetType", [&] {
    if (impl_ == nullptr) fake::fail("this is no node of a graph");
    type = AscendString(impl_->type.c_str());
  });
}

}  // namespace ge

namespace fake {

const ge::GraphImpl &parsed(const ge::Graph &graph) {
  const std::shared_ptr<ge::GraphImpl> &impl = ge::Access::of(graph);

  if (impl == nullptr || impl->role.empty() || impl->onnx == nullptr)
    fail("the graph holds nothing that this stand-in can build: it builds what aclgrphParseONNX"
         " read, and knows no operators of its own");
  return *impl;
}

void put_graph(Fields *fields, const ge::GraphImpl &graph, bool with_model) {
  fields->emplace_back("graph", graph.role);
  fields->emplace_back("name", graph.name);
  fields->emplace_back("folder", graph.folder);
  if (with_model) fields->emplace_back("onnx", *graph.onnx);
  for (const auto &[key, value] : graph.parameters) fields->emplace_back("parse." + key, value);
  for (const std::string &one : graph.constants) fields->emplace_back("constant", one);
}

}  // namespace fake
