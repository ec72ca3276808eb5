// Builds a graph one operator after the other, from values of its own to those of networks.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bpt_plr/results/export/graph.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// Name of a value in the graph.
using Value = std::string;

class GraphBuilder {
 public:
  /// Receives whether networks compute in float16.
  explicit GraphBuilder(bool half) : half_(half) {}

  /// Adds an operator and returns its output, named after `prefix` and the operator.
  Value apply(const std::string& op, std::vector<Value> inputs,
              std::vector<Attribute> attributes = {}, const std::string& prefix = "");
  /// Adds an operator whose output is called `name`.
  Value apply_as(const Value& name, const std::string& op, std::vector<Value> inputs,
                 std::vector<Attribute> attributes = {});
  /// Adds a constant that stays float32.
  Value constant(const std::string& name, const std::vector<float>& values, const Shape& shape);
  /// Adds positions or lengths of axes, int64.
  Value integers(const std::string& name, const std::vector<std::int64_t>& values);
  /// Adds a constant of a network. Throws Error for values that float16 cannot hold, if they are to
  /// be float16.
  Value weights(const std::string& name, const Tensor& values);
  /// Returns x as networks compute, or as float32.
  Value to_network(const Value& x);
  Value to_float(const Value& x);

  void add_input(GraphValue value) { graph_.inputs.push_back(std::move(value)); }
  void add_output(GraphValue value) { graph_.outputs.push_back(std::move(value)); }
  Graph finish() { return std::move(graph_); }

 private:
  Value cast(const Value& x, ElementType type);

  bool half_;
  Graph graph_;
};

/// Number of an element type in ONNX (TensorProto.DataType).
std::int64_t onnx_type(ElementType type);

}  // namespace bptplr
