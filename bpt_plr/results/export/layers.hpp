// Layers of a network in evaluation mode as operators of ONNX, by the names of its tensors. Images
// are NCHW here. Batch normalisation by running statistics is a scale and a shift of each channel:
// it becomes part of the weights before it, which costs nothing when the model runs and, unlike its
// variances, fits into float16.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpt_plr/results/export/graph_builder.hpp"
#include "engine/io/safetensors.hpp"
#include "models/network.hpp"

namespace bptplr {

class LayerBuilder {
 public:
  /// Receives `prefix`, which tells the tensors of this network from those of others.
  LayerBuilder(GraphBuilder& graph, const Network& network, std::string prefix);

  struct Window {
    std::int64_t stride = 1;
    std::int64_t padding = 0;
  };

  /// Returns the convolution NAME of x, with its bias if it has one.
  Value conv(const Value& x, const std::string& name, const Window& window);
  /// Returns the convolution NAME of x, normalised by the layer NORM.
  Value conv_norm(const Value& x, const std::string& name, const std::string& norm,
                  const Window& window);
  /// Return the linear layer NAME of rows x, also normalised by the layer NORM.
  Value linear(const Value& x, const std::string& name);
  Value linear_norm(const Value& x, const std::string& name, const std::string& norm);
  /// Returns x [n, c, h, w], normalised by the layer NAME.
  Value norm(const Value& x, const std::string& name);

  Value relu(const Value& x) { return apply("Relu", {x}); }
  Value leaky_relu(const Value& x, float slope);
  Value add(const Value& a, const Value& b) { return apply("Add", {a, b}); }
  Value max_pool(const Value& x, std::int64_t kernel, const Window& window);
  /// Returns the mean of each channel, [n, c].
  Value mean_of_pixels(const Value& x);
  /// Returns PyTorch's AdaptiveAvgPool2d(side) of images of image_side pixels, flattened.
  Value adaptive_pool(const Value& x, std::int64_t image_side, std::int64_t side);

  /// Returns whether the network has this tensor.
  bool has(const std::string& tensor) const { return tensors_.contains(tensor); }

 private:
  struct ScaleShift;

  Value apply(const std::string& op, std::vector<Value> inputs,
              std::vector<Attribute> attributes = {});
  Value weights(const std::string& name, const Tensor& values);
  const Tensor& tensor(const std::string& name) const;
  Tensor tensor_or_none(const std::string& name) const;
  ScaleShift scale_shift(const std::string& norm) const;
  Value conv_of(const Value& x, const std::string& name, const Tensor& weight, const Tensor& bias,
                const Window& window);
  Value linear_of(const Value& x, const std::string& name, const Tensor& weight,
                  const Tensor& bias);

  GraphBuilder& graph_;
  TensorMap tensors_;  ///< in PyTorch's layout, which is that of ONNX
  std::string prefix_;
};

}  // namespace bptplr
