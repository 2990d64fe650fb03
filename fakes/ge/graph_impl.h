/*
 * graph_impl: what stands behind a Graph here.
 *
 * Not the nodes with their edges, as in GE, but the ONNX model they came from
 * and what was asked of it since, for another process builds it in the end
 * (python.h). The nodes' names and types are those that GE would give.
 */
#ifndef FAKE_GE_GRAPH_IMPL_H
#define FAKE_GE_GRAPH_IMPL_H

#include <string>
#include <vector>

#include "fields.h"
#include "ge.h"

namespace ge
{

class NodeImpl
{
  public:
    std::string name;
    std::string type;
};

class GraphImpl
{
  public:
    std::string name;
    std::string role; /* model, infer, init, update; empty: nothing parsed */
    std::shared_ptr<const std::string> onnx; /* shared by the graphs of one conversion */
    std::string folder; /* where tensors lie that are outside of it, or empty */
    fake::Fields parameters; /* of the parser */
    std::vector<std::string> constants; /* that became variables, in order */
    std::vector<NodeImpl> nodes;
};

/* Into the handles and out of them. */
struct Access {
    static const std::shared_ptr<GraphImpl> &of(const Graph &graph)
    {
        return graph.impl_;
    }
    static const std::shared_ptr<NodeImpl> &of(const GNode &node)
    {
        return node.impl_;
    }
    static void put(Graph *graph, GraphImpl impl)
    {
        graph->impl_ = std::make_shared<GraphImpl>(std::move(impl));
    }
    static GNode node(const NodeImpl &impl)
    {
        GNode made;
        made.impl_ = std::make_shared<NodeImpl>(impl);
        return made;
    }
};

} // namespace ge

namespace fake
{

/* What is behind a graph that holds something; throws a Refusal (FAILED) for another. */
VISIBLE const ge::GraphImpl &parsed(const ge::Graph &graph);

/* As fields, those of one graph after "graph". */
VISIBLE void put_graph(Fields *fields, const ge::GraphImpl &graph, bool with_model = true);

} // namespace fake

#endif
