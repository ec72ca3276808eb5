// Stochastic gradient descent and learning-rate schedules with PyTorch's semantics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

/// torch.optim.SGD(parameters, lr, momentum, weight_decay), all of one type; the momentum buffers
/// start at zero, which gives the same first step as PyTorch's lazily made ones.
class Sgd {
 public:
  Sgd(std::vector<Tensor> parameters, double momentum, double weight_decay);

  /// Updates every parameter that has a gradient, unless a gradient is not finite: then none, and
  /// on a GPU none in later steps either, as the host may hear of it late. There gradients keep
  /// their addresses, and the bfloat16 copies of parameters are brought up to date.
  void step(double lr);
  /// The same with the learning rate as float64 [1] on the parameters' device, where a graph reads
  /// it anew in every replay (kernels/device_graph.hpp).
  void step(const Tensor& lr);
  /// int64 [1], on the device: not 0 where the last step (on a GPU: any step) met a gradient that
  /// is not finite. Undefined before the first step.
  const Tensor& nonfinite() const { return found_; }
  /// The same as a yes or no; waits for a GPU.
  bool found_nonfinite() const;
  /// Drops all gradients.
  void zero_grad();
  /// The momentum buffers, in the order of the parameters; they are part of a checkpoint.
  std::vector<Tensor>& velocity() { return velocity_; }
  const std::vector<Tensor>& velocity() const { return velocity_; }

 private:
  Device device() const;
  template <class T>
  void list_tensors();

  std::vector<Tensor> parameters_;
  std::vector<Tensor> velocity_;
  // Where gradient, velocity, ... of each parameter are, how they are cut into chunks, and both on
  // the device.
  std::vector<std::byte> listed_;  ///< a kernels::SgdTensor a parameter
  Tensor tensors_;
  Tensor chunks_;
  std::int64_t num_chunks_ = 0;
  Tensor found_;  ///< one int64: not 0 where a step met a gradient that is not finite
  double momentum_;
  double weight_decay_;
};

/// torch.optim.lr_scheduler.CosineAnnealingLR in closed form, with lr(0) = lr and
/// lr(period) = minimum. Past the period it rises again, as PyTorch's does.
double cosine_lr(double lr, double minimum, double epoch, double period);

/// A learning rate that falls in steps: from `epoch` on it is the initial one over `divisor`.
struct LrStep {
  int epoch = 0;
  double divisor = 1.0;
};

/// lr over the divisor of the last step that `epoch` has reached; `steps` is sorted by epoch.
double step_lr(double lr, const std::vector<LrStep>& steps, int epoch);

}  // namespace bptplr
