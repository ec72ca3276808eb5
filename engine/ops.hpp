// Differentiable functions. Images are NHWC; every function throws Error for shapes that do not
// fit. Those of the method itself (PLR, semi-supervised losses) are in bpt_plr/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/autograd.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// Convolution without bias of x [n, h, w, c] with weights [k, kernel, kernel, c]
/// -> [n, h', w', k].
Tensor conv2d(const Tensor& x, const Tensor& weight, std::int64_t stride, std::int64_t padding);

/// x [n, in], weight [out, in], bias [out] (may be undefined) -> [n, out].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

struct BatchNormOptions {
  /// Normalise by the batch's own statistics and update the running ones (else: use these).
  bool training = true;
  /// Number of equal, consecutive parts of the batch that are normalised each on its own; the
  /// running statistics are updated once per part, in order.
  std::int64_t groups = 1;
  double momentum = 0.1;
  double eps = 1e-5;
  /// Apply a ReLU to the result, in the same pass.
  bool relu = false;
};

/// x [..., c]; weight, bias, running_mean and running_var are [c]. The running statistics are
/// changed in place when training.
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, Tensor& running_mean,
                  Tensor& running_var, const BatchNormOptions& options);

/// conv2d that is still to be computed.
struct Convolution {
  Tensor x, weight;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
};

/// conv2d + addend (undefined: conv2d alone), and batch_norm of that: in training the statistics
/// are taken in the pass that writes the sum, in evaluation without gradients all is done in one
/// pass, where that is faster. Unless somebody wants it, `sum` may be undefined without gradients.
struct AddBatchNorm {
  Tensor sum;
  Tensor normalized;
};
AddBatchNorm conv2d_batch_norm(const Convolution& conv, const Tensor& addend, const Tensor& weight,
                               const Tensor& bias, Tensor& running_mean, Tensor& running_var,
                               const BatchNormOptions& options, bool wants_sum = true);

/// A value for each channel added to x [..., c], written over x's memory as add_ does it; bias [c].
Tensor add_bias_(const Tensor& x, const Tensor& bias);

Tensor relu(const Tensor& x);
/// x where it is positive, else slope * x; slope >= 0.
Tensor leaky_relu(const Tensor& x, double slope);
/// For training: each value of x is 0 with probability `rate`, else divided by 1 - rate; rate in
/// [0, 1). The i-th value is decided by the i-th uniform number of `random`.
Tensor dropout(const Tensor& x, double rate, const Philox& random);
/// The same for whole channels of each image of x [n, h, w, c]: the n c decisions are taken image
/// by image.
Tensor dropout2d(const Tensor& x, double rate, const Philox& random);
Tensor add(const Tensor& a, const Tensor& b);
/// a + b written over a's memory, for an `a` that no one else needs: the result of a convolution,
/// say, whose gradient does not depend on it.
Tensor add_(const Tensor& a, const Tensor& b);
Tensor scale(const Tensor& x, double factor);
/// x times a tensor of one element, without a wait for it; no gradient.
Tensor scale_by(const Tensor& x, const Tensor& factor);

/// x [n, h, w, c] -> [n, h', w', c], windows of kernel x kernel.
Tensor max_pool2d(const Tensor& x, std::int64_t kernel, std::int64_t stride, std::int64_t padding);
/// Mean over the whole map: [n, h, w, c] -> [n, c].
Tensor global_avg_pool2d(const Tensor& x);

/// Over the last axis of x [n, classes].
Tensor softmax(const Tensor& x);  // no gradient: targets and predictions only
Tensor log_softmax(const Tensor& x);
/// -mean_i sum_c target log softmax(logits) -> [1]; no gradient for the target.
Tensor soft_cross_entropy(const Tensor& logits, const Tensor& target);
/// Mean cross-entropy with integer labels -> [1].
Tensor cross_entropy(const Tensor& logits, std::span<const std::int64_t> labels);
/// [n, classes] with a one at each label.
Tensor one_hot(std::span<const std::int64_t> labels, std::int64_t classes,
               DType dtype = DType::kFloat32);

/// Rows of x [n, dim] divided by max(length, 1e-12).
Tensor l2_normalize(const Tensor& x);

/// Rows index[i], int64 on the same device, of a float32 x [n, ...] -> [index.numel(), ...]; no
/// gradient. On a GPU rows outside of x are not noticed.
Tensor gather_rows(const Tensor& x, const Tensor& index);

/// Along the first axis.
Tensor concat(const std::vector<Tensor>& parts);
Tensor slice(const Tensor& x, std::int64_t begin, std::int64_t end);

}  // namespace bptplr
