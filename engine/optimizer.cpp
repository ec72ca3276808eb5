#include "engine/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <span>

#include "engine/dispatch.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "kernels/sgd.hpp"

namespace bptplr {
namespace {

/// Returns the work of a step: reads gradients, velocities and parameters, writes velocities,
/// parameters and bfloat16 copies.
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

Sgd::Sgd(std::vector<Tensor> parameters, double momentum, double weight_decay, Communicator& group)
    : parameters_(std::move(parameters)),
      momentum_(momentum),
      weight_decay_(weight_decay),
      gradient_sum_(group, parameters_) {
  std::vector<std::int64_t> sizes;
  for (Tensor& p : parameters_) {
    velocity_.push_back(Tensor::zeros(p.shape(), p.dtype(), p.device()));
    const bool has_place = p.grad_memory().defined();
    if (device().type == DeviceType::kCuda && !has_place) p.set_grad_memory(Tensor::empty_like(p));
    sizes.push_back(p.numel());
  }
  const std::vector<kernels::SgdChunk> chunks = kernels::sgd_chunks(sizes);
  num_chunks_ = std::ssize(chunks);
  chunks_ = Tensor::from_bytes(std::as_bytes(std::span(chunks)), device());
  if (device().type == DeviceType::kCuda) found_ = Tensor::zeros({1}, DType::kInt64, device());
}

Device Sgd::device() const {
  return parameters_.empty() ? Device{} : parameters_.front().device();
}

bool Sgd::found_nonfinite() const {
  return found_.defined() && found_.item() != 0.0;
}

void Sgd::step(double lr) {
  step(Tensor::from(std::vector{lr}, {1}).to(device()));
}

void Sgd::step(const Tensor& lr) {
  if (parameters_.empty()) return;
  const Range range("sgd", step_work(parameters_));
  // On a CPU the host sees the flag before the next step, so it is reset.
  if (device().type == DeviceType::kCpu) found_ = Tensor::zeros({1}, DType::kInt64);
  dispatch_float(parameters_.front(), [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    const kernels::SgdTensor<T>* tensors = list_tensors<T>();
    const auto* chunks = static_cast<const kernels::SgdChunk*>(chunks_.raw());
    auto* found = found_.data<std::int64_t>();
    kernels::find_nonfinite(ctx, tensors, num_chunks_, chunks, found);
    kernels::sgd_step(ctx, lr.data<double>(), momentum_, weight_decay_, tensors, num_chunks_,
                      chunks, found);
  });
}

/// Returns the list of what a step reads and writes, in the device's memory. A GPU's graph reads
/// its list in every replay, so the lists there stay until the end; they are few, as gradients keep
/// to their memory. On a CPU gradients move with each step, and so one list is kept.
template <class T>
const kernels::SgdTensor<T>* Sgd::list_tensors() {
  std::vector<kernels::SgdTensor<T>> list;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& p = parameters_[i];
    Tensor copy = p.low_precision();
    list.push_back({p.grad().defined() ? p.grad().data<T>() : nullptr, velocity_[i].data<T>(),
                    p.data<T>(), copy.defined() ? copy.data<bfloat16>() : nullptr, p.numel()});
  }
  const auto bytes = std::as_bytes(std::span(list));
  const auto same = [&](const List& known) { return std::ranges::equal(bytes, known.bytes); };
  auto found = std::ranges::find_if(lists_, same);
  if (found == lists_.end()) {
    if (device().type == DeviceType::kCpu) lists_.clear();
    lists_.push_back({{bytes.begin(), bytes.end()}, Tensor::from_bytes(bytes, device())});
    found = std::prev(lists_.end());
  }
  return static_cast<const kernels::SgdTensor<T>*>(found->tensors.raw());
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
