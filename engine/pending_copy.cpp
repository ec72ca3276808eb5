#include "engine/pending_copy.hpp"

#include <cstring>

#include "engine/memory.hpp"

namespace bptplr {

PendingCopy::PendingCopy(const Tensor& tensor) {
  if (tensor.device().type == DeviceType::kCpu) {
    here_ = tensor.clone();
    return;
  }
  here_ = Tensor::empty(tensor.shape(), tensor.dtype());
  const auto bytes = static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype());
  copy_ = kernels::copy_to_host_later(cuda_context(tensor.device()), tensor.raw(), bytes);
}

bool PendingCopy::has_arrived() const {
  return copy_ == nullptr || copy_->has_arrived();
}

Tensor PendingCopy::get() const {
  Tensor values = here_;
  if (copy_ != nullptr) {
    const auto bytes = static_cast<std::size_t>(values.numel()) * element_size(values.dtype());
    std::memcpy(values.raw(), copy_->wait(), bytes);
  }
  return values;
}

}  // namespace bptplr
