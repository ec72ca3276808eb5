#include "bpt_plr/results/export/layers.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "engine/error.hpp"
#include "engine/ops.hpp"
#include "kernels/adaptive_pool.hpp"

namespace bptplr {
namespace {

/// Returns rows of `weight` [k, ...], each multiplied by its factor.
Tensor scaled_rows(const Tensor& weight, const std::vector<double>& factors) {
  const std::size_t columns = static_cast<std::size_t>(weight.numel()) / factors.size();
  std::vector<float> values;
  values.reserve(factors.size() * columns);
  for (const float w : weight.span<float>()) {
    values.push_back(static_cast<float>(factors[values.size() / columns] * double{w}));
  }
  return Tensor::from(values, weight.shape());
}

/// Returns the matrix [side, image_side] whose product with an axis of pixels is its means.
Tensor means_of_cells(std::int64_t image_side, std::int64_t side) {
  std::vector<float> means(static_cast<std::size_t>(side * image_side), 0.0F);
  for (std::int64_t cell = 0; cell < side; ++cell) {
    const auto pixels = kernels::pixels_of_cell(
        static_cast<int>(cell), static_cast<int>(image_side), static_cast<int>(side));
    const auto row = std::span(means).subspan(static_cast<std::size_t>(cell * image_side));
    std::ranges::fill(row.subspan(static_cast<std::size_t>(pixels.begin),
                                  static_cast<std::size_t>(pixels.size())),
                      1.0F / static_cast<float>(pixels.size()));
  }
  return Tensor::from(means, {side, image_side});
}

/// Returns a [rows, columns] as [columns, rows].
Tensor transposed(const Tensor& a) {
  std::vector<float> values;
  for (std::int64_t c = 0; c < a.size(1); ++c) {
    for (std::int64_t r = 0; r < a.size(0); ++r) {
      values.push_back(a.rows(r, r + 1).span<float>()[static_cast<std::size_t>(c)]);
    }
  }
  return Tensor::from(values, {a.size(1), a.size(0)});
}

Attribute pads(std::int64_t padding) {
  return {"pads", std::vector<std::int64_t>(4, padding)};
}

Attribute both_axes(const char* name, std::int64_t value) {
  return {name, std::vector<std::int64_t>(2, value)};
}

}  // namespace

/// What a batch normalisation does to each channel.
struct LayerBuilder::ScaleShift {
  std::vector<double> scale;
  std::vector<double> shift;

  /// Returns the shift of values that had a bias before the scale; it may be undefined.
  Tensor bias_after(const Tensor& before) const {
    std::vector<float> values;
    for (std::size_t c = 0; c < shift.size(); ++c) {
      const double bias = before.defined() ? double{before.span<float>()[c]} : 0.0;
      values.push_back(static_cast<float>(shift[c] + scale[c] * bias));
    }
    return Tensor::from(values, {std::ssize(values)});
  }
};

LayerBuilder::LayerBuilder(GraphBuilder& graph, const Network& network, std::string prefix)
    : graph_(graph), tensors_(network.named().state_dict()), prefix_(std::move(prefix)) {}

const Tensor& LayerBuilder::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  require(found != tensors_.end(), "the network has no tensor '{}'; it belongs to another --arch",
          name);
  return found->second;
}

Tensor LayerBuilder::tensor_or_none(const std::string& name) const {
  return has(name) ? tensor(name) : Tensor();
}

LayerBuilder::ScaleShift LayerBuilder::scale_shift(const std::string& norm) const {
  const auto weight = tensor(norm + ".weight").span<float>();
  const auto bias = tensor(norm + ".bias").span<float>();
  const auto mean = tensor(norm + ".running_mean").span<float>();
  const auto variance = tensor(norm + ".running_var").span<float>();
  ScaleShift result;
  for (std::size_t c = 0; c < weight.size(); ++c) {
    const double scale =
        double{weight[c]} / std::sqrt(double{variance[c]} + BatchNormOptions{}.eps);
    result.scale.push_back(scale);
    result.shift.push_back(double{bias[c]} - scale * double{mean[c]});
  }
  return result;
}

Value LayerBuilder::apply(const std::string& op, std::vector<Value> inputs,
                          std::vector<Attribute> attributes) {
  return graph_.apply(op, std::move(inputs), std::move(attributes), prefix_);
}

Value LayerBuilder::weights(const std::string& name, const Tensor& values) {
  return graph_.weights(prefix_ + name, values);
}

Value LayerBuilder::conv_of(const Value& x, const std::string& name, const Tensor& weight,
                            const Tensor& bias, const Window& window) {
  std::vector<Value> inputs{x, weights(name + ".weight", weight)};
  if (bias.defined()) inputs.push_back(weights(name + ".bias", bias));
  return apply("Conv", std::move(inputs),
               {both_axes("kernel_shape", weight.size(2)), both_axes("strides", window.stride),
                pads(window.padding)});
}

Value LayerBuilder::conv(const Value& x, const std::string& name, const Window& window) {
  return conv_of(x, name, tensor(name + ".weight"), tensor_or_none(name + ".bias"), window);
}

Value LayerBuilder::conv_norm(const Value& x, const std::string& name, const std::string& norm,
                              const Window& window) {
  const ScaleShift after = scale_shift(norm);
  return conv_of(x, name, scaled_rows(tensor(name + ".weight"), after.scale),
                 after.bias_after(tensor_or_none(name + ".bias")), window);
}

Value LayerBuilder::linear_of(const Value& x, const std::string& name, const Tensor& weight,
                              const Tensor& bias) {
  return apply("Gemm", {x, weights(name + ".weight", weight), weights(name + ".bias", bias)},
               {{"transB", std::int64_t{1}}});
}

Value LayerBuilder::linear(const Value& x, const std::string& name) {
  return linear_of(x, name, tensor(name + ".weight"), tensor(name + ".bias"));
}

Value LayerBuilder::linear_norm(const Value& x, const std::string& name, const std::string& norm) {
  const ScaleShift after = scale_shift(norm);
  return linear_of(x, name, scaled_rows(tensor(name + ".weight"), after.scale),
                   after.bias_after(tensor(name + ".bias")));
}

Value LayerBuilder::norm(const Value& x, const std::string& name) {
  const ScaleShift channels = scale_shift(name);
  const Tensor scale =
      scaled_rows(Tensor::full({std::ssize(channels.scale), 1, 1}, 1.0), channels.scale);
  const Tensor shift = channels.bias_after({}).reshape({-1, 1, 1});
  const Value scaled = apply("Mul", {x, weights(name + ".scale", scale)});
  return apply("Add", {scaled, weights(name + ".shift", shift)});
}

Value LayerBuilder::leaky_relu(const Value& x, float slope) {
  return apply("LeakyRelu", {x}, {{"alpha", slope}});
}

Value LayerBuilder::max_pool(const Value& x, std::int64_t kernel, const Window& window) {
  return apply("MaxPool", {x},
               {both_axes("kernel_shape", kernel), both_axes("strides", window.stride),
                pads(window.padding)});
}

Value LayerBuilder::mean_of_pixels(const Value& x) {
  return apply("Flatten", {apply("GlobalAveragePool", {x})});
}

Value LayerBuilder::adaptive_pool(const Value& x, std::int64_t image_side, std::int64_t side) {
  if (image_side == side) return apply("Flatten", {x});
  const Tensor means = means_of_cells(image_side, side);
  const Value rows = apply("MatMul", {weights("pool.rows", means), x});
  return apply("Flatten", {apply("MatMul", {rows, weights("pool.columns", transposed(means))})});
}

}  // namespace bptplr
