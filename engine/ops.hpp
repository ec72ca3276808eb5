// Differentiable functions. Images are NHWC; every function throws Error for shapes that do not
// fit. The functions of the method (PLR, semi-supervised losses) are in bpt_plr/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/autograd.hpp"
#include "engine/communicator.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// Convolves x [n, h, w, c] with weights [k, kernel, kernel, c], without bias -> [n, h', w', k].
Tensor conv2d(const Tensor& x, const Tensor& weight, std::int64_t stride, std::int64_t padding);

/// Returns x weight^T + bias of x [n, in], weight [out, in], bias [out] (may be undefined) -> [n,
/// out].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

struct BatchNormOptions {
  /// Normalises by the batch's statistics and updates the running ones; otherwise uses the running
  /// ones.
  bool training = true;
  /// Number of equal, consecutive parts of the batch that are normalised separately; the running
  /// statistics are updated once per part, in order.
  std::int64_t groups = 1;
  double momentum = 0.1;
  double eps = 1e-5;
  /// Of a batch that several ranks share out: its statistics are those of all its rows. The groups
  /// are then parts of equal size on every rank.
  Shards shards = nullptr;
  /// Applies a ReLU to the result, in the same pass.
  bool relu = false;
};

/// Normalises x [..., c] per channel; weight, bias, running_mean and running_var are [c]. Training
/// updates the running statistics in place.
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, Tensor& running_mean,
                  Tensor& running_var, const BatchNormOptions& options);

/// Arguments of a deferred conv2d.
struct Convolution {
  Tensor x, weight;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
};

/// Results of conv2d + addend (undefined: conv2d alone) and of its batch_norm. Training takes the
/// statistics in the pass that writes the sum; evaluation without gradients does everything in one
/// pass where that is faster, and `sum` may then be undefined unless it is wanted.
struct AddBatchNorm {
  Tensor sum;
  Tensor normalized;
};
AddBatchNorm conv2d_batch_norm(const Convolution& conv, const Tensor& addend, const Tensor& weight,
                               const Tensor& bias, Tensor& running_mean, Tensor& running_var,
                               const BatchNormOptions& options, bool wants_sum = true);

/// Adds bias [c] to every channel of x [..., c], in x's memory under the rules of add_.
Tensor add_bias_(const Tensor& x, const Tensor& bias);

Tensor relu(const Tensor& x);
/// Returns x where it is positive, else slope * x; slope >= 0.
Tensor leaky_relu(const Tensor& x, double slope);
/// Sets each value of x to 0 with probability `rate`, else divides it by 1 - rate; for training,
/// rate in [0, 1). The i-th uniform number of `random` decides about the i-th value; of a batch
/// that ranks share out, about the i-th of the whole batch.
Tensor dropout(const Tensor& x, double rate, const Philox& random, const Shards& shards = nullptr);
/// Drops whole channels of each image of x [n, h, w, c] as dropout does values. The n c decisions
/// are taken image by image.
Tensor dropout2d(const Tensor& x, double rate, const Philox& random,
                 const Shards& shards = nullptr);
Tensor add(const Tensor& a, const Tensor& b);
/// Returns a + b in a's memory, for an `a` that nothing else needs, such as the result of a
/// convolution, whose gradient does not depend on it.
Tensor add_(const Tensor& a, const Tensor& b);
Tensor scale(const Tensor& x, double factor);
/// Multiplies x by a tensor of one element, without waiting for it; no gradient.
Tensor scale_by(const Tensor& x, const Tensor& factor);

/// Returns maxima over windows of kernel x kernel: x [n, h, w, c] -> [n, h', w', c].
Tensor max_pool2d(const Tensor& x, std::int64_t kernel, std::int64_t stride, std::int64_t padding);
/// Returns the mean over the whole map: [n, h, w, c] -> [n, c].
Tensor global_avg_pool2d(const Tensor& x);
/// Returns means over side x side cells of the map, which may overlap or repeat pixels, flattened
/// for a linear layer as PyTorch does: [n, h, w, c] -> [n, c side side], channel by channel. `side`
/// is at most 16.
Tensor adaptive_avg_pool2d(const Tensor& x, std::int64_t side);

/// Returns the softmax over the last axis of x [n, classes].
Tensor softmax(const Tensor& x);  // no gradient: targets and predictions only
/// Returns -mean_i sum_c target log softmax(logits) -> [1]; no gradient for the target.
Tensor soft_cross_entropy(const Tensor& logits, const Tensor& target);
/// Returns [n, classes] with a one at each label.
Tensor one_hot(std::span<const std::int64_t> labels, std::int64_t classes,
               DType dtype = DType::kFloat32);

/// Returns the rows of x [n, dim], each divided by max(length, 1e-12).
Tensor l2_normalize(const Tensor& x);

/// Returns the rows index[i] of x [n, ...] -> [index.numel(), ...]; index is int64 on the
/// same device. No gradient. A GPU does not check that the indices are rows of x.
Tensor gather_rows(const Tensor& x, const Tensor& index);

/// Concatenates along the first axis.
Tensor concat(const std::vector<Tensor>& parts);
Tensor slice(const Tensor& x, std::int64_t begin, std::int64_t end);

}  // namespace bptplr
