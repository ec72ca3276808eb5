// Layers with parameters, and how networks name them. The names, the meaning and the initial
// distribution of every parameter are PyTorch's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/ops.hpp"
#include "engine/random.hpp"
#include "engine/safetensors.hpp"

namespace bptplr {

/// How a network is run.
struct ForwardMode {
  /// Batch statistics (updating the running ones) instead of the running statistics.
  bool training = false;
  /// In training: the number of consecutive parts of the batch that are normalised each on its own.
  std::int64_t groups = 1;
};

/// The tensors of a network under their PyTorch names, in PyTorch's order.
class NamedTensors {
 public:
  enum class Kind {
    kParameter,   ///< trained
    kConvWeight,  ///< trained; KRSC here, OIHW in files
    kBuffer       ///< not trained
  };
  struct Entry {
    std::string name;
    Tensor tensor;
    Kind kind;
  };

  void add(std::string name, const Tensor& tensor, Kind kind) {
    entries_.push_back({std::move(name), tensor, kind});
  }
  const std::vector<Entry>& entries() const { return entries_; }

  /// The trained tensors.
  std::vector<Tensor> parameters() const;
  /// Moves all tensors to a device; the counters of BatchNorm stay on the CPU, which counts.
  void move_to(Device device);
  /// Copies of all tensors, on the CPU, in PyTorch's layout.
  TensorMap state_dict() const;
  /// The gradients of all trained tensors in PyTorch's layout.
  TensorMap gradients() const;
  /// Overwrites all tensors from PyTorch's layout. Throws Error naming the first tensor that is
  /// missing, has another shape, or is not one of this network's.
  void load_state_dict(const TensorMap& state);

 private:
  std::vector<Entry> entries_;
};

/// Draws the initial values of one network: the i-th parameter has the i-th stream.
class Initializer {
 public:
  /// `network` tells networks apart that share a seed.
  Initializer(std::uint64_t seed, std::uint32_t network) : seed_(seed), network_(network) {}

  /// Uniform in [-1/sqrt(fan_in), 1/sqrt(fan_in)): PyTorch's default for convolution and linear
  /// layers, weights and biases alike.
  Tensor uniform(Shape shape, std::int64_t fan_in);
  /// Standard normal.
  Tensor normal(Shape shape);

 private:
  Philox next_stream() { return {seed_, Purpose::kInit, network_, parameter_++}; }

  std::uint64_t seed_;
  std::uint32_t network_;
  std::uint32_t parameter_ = 0;
};

/// torch.nn.Conv2d(in, out, kernel, stride, padding, bias=False)
class Conv2d {
 public:
  Conv2d(Initializer& init, std::int64_t in, std::int64_t out, std::int64_t kernel,
         std::int64_t stride);
  Tensor operator()(const Tensor& x) const;
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  Tensor weight_;
  std::int64_t stride_;
};

/// torch.nn.BatchNorm2d(channels), followed by a ReLU.
class BatchNormRelu {
 public:
  explicit BatchNormRelu(std::int64_t channels);
  Tensor operator()(const Tensor& x, ForwardMode mode);
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  Tensor weight_, bias_, running_mean_, running_var_, num_batches_tracked_;
};

/// torch.nn.Linear(in, out)
class Linear {
 public:
  Linear(Initializer& init, std::int64_t in, std::int64_t out);
  Tensor operator()(const Tensor& x) const;
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  Tensor weight_, bias_;
};

}  // namespace bptplr
