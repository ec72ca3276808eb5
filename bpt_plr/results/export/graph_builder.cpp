#include "bpt_plr/results/export/graph_builder.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/error.hpp"
#include "kernels/float16.hpp"

namespace bptplr {

std::int64_t onnx_type(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return 1;
    case ElementType::kUint8:
      return 2;
    case ElementType::kFloat16:
      return 10;
  }
  return 0;
}

Value GraphBuilder::apply(const std::string& op, std::vector<Value> inputs,
                          std::vector<Attribute> attributes, const std::string& prefix) {
  return apply_as(fmt::format("{}{}_{}", prefix, op, graph_.operations.size()), op,
                  std::move(inputs), std::move(attributes));
}

Value GraphBuilder::apply_as(const Value& name, const std::string& op, std::vector<Value> inputs,
                             std::vector<Attribute> attributes) {
  graph_.operations.push_back({op, std::move(inputs), name, std::move(attributes)});
  return name;
}

Value GraphBuilder::constant(const std::string& name, const std::vector<float>& values,
                             const Shape& shape) {
  graph_.constants.push_back({name, Tensor::from(values, shape)});
  return name;
}

Value GraphBuilder::integers(const std::string& name, const std::vector<std::int64_t>& values) {
  graph_.constants.push_back({name, Tensor::from(values, {std::ssize(values)})});
  return name;
}

Value GraphBuilder::weights(const std::string& name, const Tensor& values) {
  const auto fits = [](float x) { return std::fabs(x) <= kernels::kLargestFloat16; };
  require(!half_ || std::ranges::all_of(values.span<float>(), fits),
          "{} has values beyond those of float16; export without --half", name);
  graph_.constants.push_back({name, values, half_});
  return name;
}

Value GraphBuilder::cast(const Value& x, ElementType type) {
  return apply("Cast", {x}, {{"to", onnx_type(type)}});
}

Value GraphBuilder::to_network(const Value& x) {
  return half_ ? cast(x, ElementType::kFloat16) : x;
}

Value GraphBuilder::to_float(const Value& x) {
  return half_ ? cast(x, ElementType::kFloat32) : x;
}

}  // namespace bptplr
