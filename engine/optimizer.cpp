#include "engine/optimizer.hpp"

#include <cmath>
#include <numbers>

#include "engine/dispatch.hpp"
#include "kernels/sgd.hpp"

namespace bptplr {

Sgd::Sgd(std::vector<Tensor> parameters, double momentum, double weight_decay)
    : parameters_(std::move(parameters)), momentum_(momentum), weight_decay_(weight_decay) {
  for (const Tensor& p : parameters_) {
    velocity_.push_back(Tensor::zeros(p.shape(), p.dtype(), p.device()));
  }
}

void Sgd::step(double lr) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& p = parameters_[i];
    if (!p.grad().defined()) continue;
    dispatch_float(p, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      kernels::sgd_step(ctx, static_cast<T>(lr), static_cast<T>(momentum_),
                        static_cast<T>(weight_decay_), p.grad().data<T>(), velocity_[i].data<T>(),
                        p.data<T>(), p.numel());
    });
  }
}

void Sgd::zero_grad() {
  for (Tensor& p : parameters_) p.mutable_grad() = Tensor();
}

double cosine_lr(double lr, double minimum, double epoch, double period) {
  return minimum + (lr - minimum) * (1.0 + std::cos(std::numbers::pi * epoch / period)) / 2.0;
}

double step_lr(double lr, const std::vector<LrStep>& steps, int epoch) {
  double divisor = 1.0;
  for (const LrStep& step : steps) {
    if (step.epoch <= epoch) divisor = step.divisor;
  }
  return lr / divisor;
}

}  // namespace bptplr
