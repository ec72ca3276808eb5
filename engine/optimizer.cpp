#include "engine/optimizer.hpp"

#include <cmath>
#include <numbers>
#include <span>

#include "engine/dispatch.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "kernels/sgd.hpp"

namespace bptplr {
namespace {

/// Reads gradients, velocities and parameters, writes the latter two and bfloat16 copies.
Work step_work(const std::vector<Tensor>& parameters) {
  Work work;
  for (const Tensor& p : parameters) {
    if (!p.grad().defined()) continue;
    work += moved(5 * p.numel(), p.dtype());
    const Tensor& copy = p.low_precision();
    if (copy.defined()) work += moved(copy.numel(), copy.dtype());
  }
  return work;
}

}  // namespace

Sgd::Sgd(std::vector<Tensor> parameters, double momentum, double weight_decay)
    : parameters_(std::move(parameters)), momentum_(momentum), weight_decay_(weight_decay) {
  for (const Tensor& p : parameters_) {
    velocity_.push_back(Tensor::zeros(p.shape(), p.dtype(), p.device()));
  }
  if (is_on_gpu()) prepare_gpu();
}

void Sgd::prepare_gpu() {
  const Device device = parameters_.front().device();
  std::vector<std::int64_t> sizes;
  for (Tensor& p : parameters_) {
    p.set_grad_memory(Tensor::empty_like(p));
    sizes.push_back(p.numel());
  }
  const std::vector<kernels::SgdChunk> chunks = kernels::sgd_chunks(sizes);
  num_chunks_ = std::ssize(chunks);
  chunks_ = Tensor::from_bytes(std::as_bytes(std::span(chunks)), device);
  found_ = Tensor::zeros({1}, DType::kInt64, device);
}

void Sgd::step(double lr) {
  if (!is_on_gpu()) return step(&lr);
  const Tensor on_gpu = Tensor::from(std::vector{lr}, {1}).to(parameters_.front().device());
  step(on_gpu.data<double>());
}

void Sgd::step(const double* lr) {
  const Range range("sgd", step_work(parameters_));
  if (is_on_gpu()) {
    step_on_gpu(lr);
  } else {
    step_on_cpu(*lr);
  }
}

bool Sgd::is_on_gpu() const {
  return !parameters_.empty() && parameters_.front().device().type == DeviceType::kCuda;
}

bool Sgd::found_nonfinite() const {
  return found_.defined() && found_.item() != 0.0;
}

void Sgd::step_on_cpu(double lr) {
  bool finite = true;
  for (const Tensor& p : parameters_) {
    if (!p.grad().defined()) continue;
    dispatch_float(p.grad(), [&](const auto& ctx, auto zero) {
      if constexpr (!kOnGpu<decltype(ctx)>) {
        finite = finite && kernels::all_finite(ctx, p.grad().data<decltype(zero)>(), p.numel());
      }
    });
  }
  found_ = Tensor::full({1}, finite ? 0.0 : 1.0, DType::kInt64);
  if (!finite) return;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& p = parameters_[i];
    if (!p.grad().defined()) continue;
    dispatch_float(p, [&](const auto& ctx, auto zero) {
      using T = decltype(zero);
      if constexpr (!kOnGpu<decltype(ctx)>) {
        kernels::sgd_step(ctx, static_cast<T>(lr), static_cast<T>(momentum_),
                          static_cast<T>(weight_decay_), p.grad().data<T>(), velocity_[i].data<T>(),
                          p.data<T>(), p.numel());
      }
    });
  }
}

void Sgd::list_tensors() {
  std::vector<kernels::SgdTensor> list;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& p = parameters_[i];
    Tensor copy = p.low_precision();
    list.push_back({p.grad().defined() ? p.grad().data<float>() : nullptr,
                    velocity_[i].data<float>(), p.data<float>(),
                    copy.defined() ? copy.data<bfloat16>() : nullptr, p.numel()});
  }
  if (list == listed_) return;
  tensors_ = Tensor::from_bytes(std::as_bytes(std::span(list)), parameters_.front().device());
  listed_ = std::move(list);
}

void Sgd::step_on_gpu(const double* lr) {
  list_tensors();
  const auto* tensors = static_cast<const kernels::SgdTensor*>(tensors_.raw());
  const auto* chunks = static_cast<const kernels::SgdChunk*>(chunks_.raw());
  const auto ctx = cuda_context(parameters_.front().device());
  kernels::find_nonfinite(ctx, tensors, num_chunks_, chunks, found_.data<std::int64_t>());
  kernels::sgd_step(ctx, lr, static_cast<float>(momentum_), static_cast<float>(weight_decay_),
                    tensors, num_chunks_, chunks, found_.data<std::int64_t>());
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
