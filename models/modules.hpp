// Layers with parameters, and how networks name them. The names, the meaning and the initial
// distribution of every parameter are PyTorch's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/io/safetensors.hpp"
#include "engine/ops.hpp"
#include "engine/random.hpp"

namespace bptplr {

/// Which random numbers the dropout of a training pass takes: each layer of a network has its own
/// for every seed, epoch, iteration and forward pass of the iteration.
struct DropoutKey {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t iteration = 0;
  std::uint32_t network = 0;  ///< 0 or 1
  std::uint32_t pass = 0;     ///< below 16

  /// The same for another forward pass of the iteration.
  DropoutKey of_pass(std::uint32_t number) const {
    return {seed, epoch, iteration, network, number};
  }
  Philox random(std::uint32_t layer) const {
    return {seed, Purpose::kDropout, epoch, iteration, (layer * 2 + network) * 16 + pass};
  }
};

/// How a network is run.
struct ForwardMode {
  /// Batch statistics (updating the running ones) instead of the running statistics.
  bool training = false;
  /// In training: the number of consecutive parts of the batch that are normalised each on its own.
  std::int64_t groups = 1;
  /// In training, for networks with dropout.
  DropoutKey dropout = {};
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

  /// What load_matching took; the counters of BatchNorm, which nothing depends on, do not count.
  struct Match {
    std::size_t taken = 0;
    std::size_t tensors = 0;               ///< of the network
    std::vector<std::string> other_shape;  ///< names that both have, in different shapes
  };
  /// Overwrites those tensors that `state` has in the same shape, for a start from another task.
  Match load_matching(const TensorMap& state);

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
  /// Normal with mean 0; not a parameter yet.
  Tensor normal(Shape shape, double deviation = 1.0);

 private:
  Philox next_stream() { return {seed_, Purpose::kInit, network_, parameter_++}; }

  std::uint64_t seed_;
  std::uint32_t network_;
  std::uint32_t parameter_ = 0;
};

/// Where the parameters of a layer start.
enum class InitialValues {
  kPyTorch,     ///< the default of torch.nn: weights and biases uniform in +-1/sqrt(fan_in)
  kTorchvision  ///< of its ResNet and VGG: convolutions normal with the deviation
                ///< sqrt(2 / fan_out) (He et al., ICCV 2015), linear layers with 0.01, biases 0
};

struct Conv2dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  bool bias = false;
  InitialValues initial = InitialValues::kPyTorch;
};

/// torch.nn.Conv2d(in, out, kernel, stride, padding, bias=bias)
class Conv2d {
 public:
  Conv2d(Initializer& init, std::int64_t in, std::int64_t out, std::int64_t kernel,
         const Conv2dOptions& options);
  Tensor operator()(const Tensor& x) const;
  bool has_bias() const { return bias_.defined(); }
  /// The convolution of x, still to be computed; there is no bias.
  Convolution of(const Tensor& x) const { return {x, weight_, stride_, padding_}; }
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  Tensor weight_, bias_;  ///< the latter undefined without bias
  std::int64_t stride_;
  std::int64_t padding_;
};

/// What follows a batch normalisation in the same pass over memory.
enum class Activation { kNone, kRelu };

/// torch.nn.BatchNorm2d(channels), then the activation.
class BatchNorm {
 public:
  BatchNorm(std::int64_t channels, Activation activation);
  Tensor operator()(const Tensor& x, const ForwardMode& mode);
  /// Of conv(x).
  Tensor after(const Conv2d& conv, const Tensor& x, const ForwardMode& mode);
  /// Of conv(x) + addend, which is returned too if wanted; the convolution has no bias.
  AddBatchNorm after_sum(const Conv2d& conv, const Tensor& x, const Tensor& addend,
                         const ForwardMode& mode, bool wants_sum);
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  /// What a pass is to do; in training, counts it.
  BatchNormOptions begin_pass(const ForwardMode& mode);

  Tensor weight_, bias_, running_mean_, running_var_, num_batches_tracked_;
  Activation activation_;
};

/// torch.nn.Linear(in, out)
class Linear {
 public:
  Linear(Initializer& init, std::int64_t in, std::int64_t out,
         InitialValues initial = InitialValues::kPyTorch);
  Tensor operator()(const Tensor& x) const;
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  Tensor weight_, bias_;
};

/// torch.nn.Dropout(rate) for rows [n, c], torch.nn.Dropout2d(rate), which drops whole channels of
/// an image, for images [n, h, w, c]. Identity outside training.
class Dropout {
 public:
  /// `layer` tells the dropouts of a network apart; below 2^15.
  Dropout(double rate, std::uint32_t layer) : rate_(rate), layer_(layer) {}
  Tensor operator()(const Tensor& x, const ForwardMode& mode) const;

 private:
  double rate_;
  std::uint32_t layer_;
};

}  // namespace bptplr
