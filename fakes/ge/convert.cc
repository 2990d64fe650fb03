/* libge_compiler.so: constants become variables. */
#include <map>
#include <set>

#include "graph_impl.h"
#include "refusal.h"

namespace ge {

namespace {

/* The names, checked in GE's order: each is there before it can be there twice. */
std::vector<std::string> checked(const GraphImpl &origin, const std::vector<AscendString> &names) {
  std::set<std::string> constants;
  std::set<std::string> seen;
  std::vector<std::string> made;

  if (names.empty()) fake::invalid("const_names is empty");
  for (const NodeImpl &node : origin.nodes)
    if (node.type == "Const") constants.insert(node.name);
  for (const AscendString &one : names) {
    const std::string name = one.GetString();
    if (name.empty()) fake::fail("const_names has an empty name");
    if (constants.count(name) == 0)
      fake::invalid("cannot find const name " + name + " in graph");
    if (!seen.insert(name).second) fake::invalid("cannot insert repeat name " + name);
    made.push_back(name);
  }
  return made;
}

std::vector<NodeImpl> nodes_of_infer(const GraphImpl &origin, const std::vector<std::string> &names) {
  const std::set<std::string> chosen(names.begin(), names.end());
  std::vector<NodeImpl> made;

  for (const NodeImpl &node : origin.nodes)
    made.push_back(chosen.count(node.name) ? NodeImpl{node.name + "_var", "Variable"} : node);
  return made;
}

std::vector<NodeImpl> nodes_of_init(const std::vector<std::string> &names) {
  std::vector<NodeImpl> made;

  for (const std::string &name : names) {
    made.push_back({name + "_var", "Variable"});
    made.push_back({name, "Const"});
    made.push_back({name + "_assign", "Assign"});
  }
  return made;
}

std::vector<NodeImpl> nodes_of_update(const std::vector<std::string> &names) {
  std::vector<NodeImpl> made;

  for (const std::string &name : names) {
    const std::string variable = name + "_var";
    made.push_back({variable + "_data", "Data"});
    made.push_back({variable + "_if", "If"});
    made.push_back({variable, "Variable"});
    made.push_back({variable + "_then_data", "Data"});
    made.push_back({variable + "_then_assign", "Assign"});
    made.push_back({variable + "_else_data", "Data"});
  }
  return made;
}

void put(Graph *graph, GraphImpl made, const char *role, std::vector<NodeImpl> nodes) {
  made.role = role;
  made.name = std::string("var_") + role + "_graph";
  made.nodes = std::move(nodes);
  Access::put(graph, std::move(made));
}

}  // namespace

graphStatus aclgrphConvertToWeightRefreshableGraphs(
    const Graph &origin_graph, const std::vector<AscendString> &const_names,
    WeightRefreshableGraphs &weight_refreshable_graphs) {
  return fake::answered("aclgrphConvertToWeightRefreshableGraphs", [&] {
    const GraphImpl &origin = fake::parsed(origin_graph);
    if (origin.role != "model") fake::fail("graph " + origin.name + " was converted before");
    GraphImpl made = origin;
    made.constants = checked(origin, const_names);
    WeightRefreshableGraphs &to = weight_refreshable_graphs;
    put(&to.infer_graph, made, "infer", nodes_of_infer(origin, made.constants));
    put(&to.var_init_graph, made, "init", nodes_of_init(made.constants));
    put(&to.var_update_graph, made, "update", nodes_of_update(made.constants));
  });
}

}  // namespace ge
