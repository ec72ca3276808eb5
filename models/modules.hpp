// Layers with parameters, and their names in networks. Names, meaning and initial distribution of
// all parameters are PyTorch's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/io/safetensors.hpp"
#include "engine/ops.hpp"
#include "engine/random.hpp"

namespace bptplr {

/// Key of the random numbers that the dropout of a training pass draws: each layer of a network has
/// its own for every seed, epoch, iteration and forward pass of the iteration.
struct DropoutKey {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t iteration = 0;
  std::uint32_t network = 0;  ///< 0 or 1
  std::uint32_t pass = 0;     ///< below 16

  /// Returns the key of another forward pass of the iteration.
  DropoutKey of_pass(std::uint32_t number) const {
    return {seed, epoch, iteration, network, number};
  }
  Philox random(std::uint32_t layer) const {
    return {seed, Purpose::kDropout, epoch, iteration, (layer * 2 + network) * 16 + pass};
  }
};

/// Mode of a forward pass.
struct ForwardMode {
  /// Normalises by batch statistics (updating the running ones), not by running statistics.
  bool training = false;
  /// Number of consecutive parts of the batch that are normalised separately, in training.
  std::int64_t groups = 1;
  /// Key of dropout in training, for networks that have it.
  DropoutKey dropout = {};
  /// In training, of a batch that several ranks share out.
  Shards shards = nullptr;
  /// Whether batch normalisation takes the statistics of all ranks' rows, not of each rank's own.
  bool sync_statistics = true;
};

/// Tensors of a network under their PyTorch names, in PyTorch's order.
class NamedTensors {
 public:
  enum class Kind {
    kParameter,   ///< trained
    kConvWeight,  ///< trained; KRSC in memory, OIHW in files
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

  /// Returns the trained tensors.
  std::vector<Tensor> parameters() const;
  /// Moves all tensors to a device, except the counters of BatchNorm, which the CPU increments.
  void move_to(Device device);
  /// Returns copies of all tensors, on the CPU, in PyTorch's layout.
  TensorMap state_dict() const;
  /// Returns the gradients of all trained tensors in PyTorch's layout.
  TensorMap gradients() const;
  /// Overwrites all tensors from PyTorch's layout. Throws Error naming the first tensor that is
  /// missing, has another shape, or does not belong to this network.
  void load_state_dict(const TensorMap& state);

  /// Result of load_matching, without the counters of BatchNorm, on which nothing depends.
  struct Match {
    std::size_t taken = 0;
    std::size_t tensors = 0;               ///< number of tensors in the network
    std::vector<std::string> other_shape;  ///< names in both, with different shapes
  };
  /// Overwrites the tensors that `state` has with the same shape, to start from another task.
  Match load_matching(const TensorMap& state);

 private:
  std::vector<Entry> entries_;
};

/// Draws the initial values of a network: the i-th parameter uses the i-th stream.
class Initializer {
 public:
  /// Receives `network`, the number of a network among those that share a seed.
  Initializer(std::uint64_t seed, std::uint32_t network) : seed_(seed), network_(network) {}

  /// Returns a parameter, uniform in [-1/sqrt(fan_in), 1/sqrt(fan_in)): PyTorch's default for
  /// weights and biases of convolution and linear layers.
  Tensor uniform(Shape shape, std::int64_t fan_in);
  /// Returns normal values with mean 0; not a parameter yet.
  Tensor normal(Shape shape, double deviation = 1.0);

 private:
  Philox next_stream() { return {seed_, Purpose::kInit, network_, parameter_++}; }

  std::uint64_t seed_;
  std::uint32_t network_;
  std::uint32_t parameter_ = 0;
};

/// Initial distribution of the parameters of a layer.
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

/// Layer torch.nn.Conv2d(in, out, kernel, stride, padding, bias=bias).
class Conv2d {
 public:
  Conv2d(Initializer& init, std::int64_t in, std::int64_t out, std::int64_t kernel,
         const Conv2dOptions& options);
  Tensor operator()(const Tensor& x) const;
  bool has_bias() const { return bias_.defined(); }
  /// Returns the deferred convolution of x, without bias.
  Convolution of(const Tensor& x) const { return {x, weight_, stride_, padding_}; }
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  Tensor weight_, bias_;  ///< bias_ is undefined without bias
  std::int64_t stride_;
  std::int64_t padding_;
};

/// Activation that is fused with a batch normalisation.
enum class Activation { kNone, kRelu };

/// Layer torch.nn.BatchNorm2d(channels), followed by the activation.
class BatchNorm {
 public:
  BatchNorm(std::int64_t channels, Activation activation);
  Tensor operator()(const Tensor& x, const ForwardMode& mode);
  /// Returns the normalised conv(x).
  Tensor after(const Conv2d& conv, const Tensor& x, const ForwardMode& mode);
  /// Returns the normalised conv(x) + addend, and the sum if wanted; the convolution has no bias.
  AddBatchNorm after_sum(const Conv2d& conv, const Tensor& x, const Tensor& addend,
                         const ForwardMode& mode, bool wants_sum);
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  /// Returns the options of a pass; counts the pass in training.
  BatchNormOptions begin_pass(const ForwardMode& mode);

  Tensor weight_, bias_, running_mean_, running_var_, num_batches_tracked_;
  Activation activation_;
};

/// Layer torch.nn.Linear(in, out).
class Linear {
 public:
  Linear(Initializer& init, std::int64_t in, std::int64_t out,
         InitialValues initial = InitialValues::kPyTorch);
  Tensor operator()(const Tensor& x) const;
  void name(NamedTensors& names, const std::string& prefix) const;

 private:
  Tensor weight_, bias_;
};

/// Layer torch.nn.Dropout(rate) for rows [n, c], or torch.nn.Dropout2d(rate), which drops whole
/// channels of an image, for images [n, h, w, c]. Identity outside training.
class Dropout {
 public:
  /// Receives `layer` (below 2^15), which distinguishes the dropouts of a network.
  Dropout(double rate, std::uint32_t layer) : rate_(rate), layer_(layer) {}
  Tensor operator()(const Tensor& x, const ForwardMode& mode) const;

 private:
  double rate_;
  std::uint32_t layer_;
};

}  // namespace bptplr
