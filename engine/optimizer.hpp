// Stochastic gradient descent and learning-rate schedules with PyTorch's semantics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/gradient_sum.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

namespace kernels {
template <class T>
struct SgdTensor;
}

/// torch.optim.SGD(parameters, lr, momentum, weight_decay), all of one type. The momentum buffers
/// start at zero, which gives the same first step as PyTorch's lazily created ones.
class Sgd {
 public:
  /// `group`, whose ranks have the same parameters, must outlive this.
  Sgd(std::vector<Tensor> parameters, double momentum, double weight_decay,
      Communicator& group = Communicator::alone());

  /// Runs the last backward pass before a step, after which the gradients are the sums of those of
  /// all ranks.
  void backward(const Tensor& loss) { gradient_sum_.backward(loss); }

  /// Updates every parameter that has a gradient. If any gradient is not finite, updates none; on a
  /// GPU also none in later steps, as the host may learn of it late. A GPU's gradients keep their
  /// addresses, and the bfloat16 copies of parameters are updated.
  void step(double lr);
  /// Makes a step with the learning rate as float64 [1] on the parameters' device, where a graph
  /// reads it in every replay (kernels/device_graph.hpp).
  void step(const Tensor& lr);
  /// Returns int64 [1] on the device: not 0 if the last step (on a GPU: any step) met a gradient
  /// that is not finite. Undefined before the first step.
  const Tensor& nonfinite() const { return found_; }
  /// Returns whether nonfinite() is not 0; waits for a GPU.
  bool found_nonfinite() const;
  /// Drops all gradients.
  void zero_grad();
  /// Returns the momentum buffers, in the order of the parameters; they are part of a checkpoint.
  std::vector<Tensor>& velocity() { return velocity_; }
  const std::vector<Tensor>& velocity() const { return velocity_; }

 private:
  Device device() const;
  /// Addresses of the gradient, velocity, ... of each parameter.
  struct List {
    std::vector<std::byte> bytes;  ///< kernels::SgdTensor of each parameter
    Tensor tensors;                ///< the same on the device
  };
  template <class T>
  const kernels::SgdTensor<T>* list_tensors();

  std::vector<Tensor> parameters_;
  std::vector<Tensor> velocity_;
  std::vector<List> lists_;  ///< of the steps so far
  Tensor chunks_;            ///< into which the parameters are cut, on the device
  std::int64_t num_chunks_ = 0;
  Tensor found_;  ///< int64 [1]: not 0 if a step met a gradient that is not finite
  double momentum_;
  double weight_decay_;
  GradientSum gradient_sum_;
};

/// Returns the learning rate of torch.optim.lr_scheduler.CosineAnnealingLR in closed form: lr(0) =
/// lr, lr(period) = minimum. Past the period it rises again, as PyTorch's does.
double cosine_lr(double lr, double minimum, double epoch, double period);

/// Step of a learning rate: from `epoch` on it is the initial one over `divisor`.
struct LrStep {
  int epoch = 0;
  double divisor = 1.0;
};

/// Returns lr over the divisor of the last step that `epoch` has reached; `steps` is sorted by
/// epoch.
double step_lr(double lr, const std::vector<LrStep>& steps, int epoch);

}  // namespace bptplr
