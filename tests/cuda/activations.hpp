// Inputs for the tests of kernels on activations: in either type, aligned or not.
#pragma once

#include <algorithm>

#include "kernels/bfloat16.hpp"
#include "tests/cuda/support.hpp"

namespace bptplr {

using kernels::bfloat16;

/// Types of activations.
using ActivationTypes = testing::Types<float, bfloat16>;

/// Tolerance of a result that is rounded once relative to the CPU's float32 one, see
/// relative_error().
template <class T>
inline constexpr double kActivationTolerance = std::is_same_v<T, float> ? 1e-6 : 4e-3;

/// Returns values rounded to T and back: the inputs of a kernel on T, for the CPU's float kernels.
template <class T>
Tensor rounded(const Tensor& values) {
  Tensor result = Tensor::empty_like(values);
  std::transform(values.data<float>(), values.data<float>() + values.numel(), result.data<float>(),
                 [](float value) { return static_cast<float>(T(value)); });
  return result;
}

/// Values of type T on the device, written and read as float tensors.
template <class T>
class DeviceActivations {
 public:
  /// Allocates uninitialised values, aligned to 16 bytes if `aligned`, otherwise to one value.
  DeviceActivations(std::int64_t count, bool aligned)
      : count_(count), offset_(aligned ? 0 : 1), memory_(count + offset_) {}
  DeviceActivations(const Tensor& values, bool aligned)
      : DeviceActivations(values.numel(), aligned) {
    std::vector<T> host(static_cast<std::size_t>(count_ + offset_));
    std::transform(values.data<float>(), values.data<float>() + count_, host.begin() + offset_,
                   [](float value) { return T(value); });
    memory_ = DeviceArray<T>(host);
  }

  T* get() { return memory_.get() + offset_; }
  operator T*() { return get(); }

  Tensor to_tensor(Shape shape) const {
    const std::vector<T> host = memory_.to_host();
    Tensor values = Tensor::empty(std::move(shape));
    std::transform(host.begin() + offset_, host.end(), values.data<float>(),
                   [](T value) { return static_cast<float>(value); });
    return values;
  }

 private:
  std::int64_t count_;
  std::int64_t offset_;
  DeviceArray<T> memory_;
};

}  // namespace bptplr
