// From a tensor's run-time device and type to the kernel overload that serves it.
#pragma once

#include <type_traits>

#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// The type of statistics, parameters and losses beside activations of type T.
template <class T>
using StatOf = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

/// Calls fn(context, T{}) with the execution context of the tensor's device and its type T: float
/// or, on the CPU, double.
template <class Fn>
void dispatch_float(const Tensor& tensor, Fn&& fn) {
  if (tensor.device().type == DeviceType::kCuda) {
    require(tensor.dtype() == DType::kFloat32, "a float32 tensor is needed on the GPU, not {}",
            to_string(tensor.dtype()));
    fn(cuda_context(tensor.device()), float{});
  } else if (tensor.dtype() == DType::kFloat32) {
    fn(cpu_context(), float{});
  } else {
    require(tensor.dtype() == DType::kFloat64, "a floating-point tensor is needed, not {}",
            to_string(tensor.dtype()));
    fn(cpu_context(), double{});
  }
}

/// Calls fn(context) for a float32 tensor: for what has no other type.
template <class Fn>
void dispatch_float32(const Tensor& tensor, Fn&& fn) {
  require(tensor.dtype() == DType::kFloat32, "a float32 tensor is needed, not {}",
          to_string(tensor.dtype()));
  if (tensor.device().type == DeviceType::kCuda) {
    fn(cuda_context(tensor.device()));
  } else {
    fn(cpu_context());
  }
}

/// As dispatch_float, for what the layers of a network pass on: it may be bfloat16 on a GPU.
template <class Fn>
void dispatch_activation(const Tensor& tensor, Fn&& fn) {
  if (tensor.dtype() == DType::kBfloat16) {
    require(tensor.device().type == DeviceType::kCuda, "bfloat16 needs a GPU; use --device cuda");
    fn(cuda_context(tensor.device()), bfloat16{});
  } else {
    dispatch_float(tensor, fn);
  }
}

/// True where kernels run on a GPU and scalars that they yield stay there.
template <class Context>
inline constexpr bool kOnGpu = std::is_same_v<std::decay_t<Context>, kernels::CudaContext>;

}  // namespace bptplr
