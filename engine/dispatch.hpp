// Calls the kernel for a tensor's run-time device and type. The program links only if that kernel
// exists for every type that the dispatch can meet.
#pragma once

#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/tensor.hpp"
#include "kernels/device_error.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {

using kernels::StatOf;

/// Calls fn(context) with the execution context of a GPU, which other threads leave alone
/// meanwhile. Throws OutOfMemory where the kernel has no room for its scratch memory.
template <class Fn>
void on_gpu(Device device, Fn&& fn) {
  const kernels::CudaContext& ctx = cuda_context(device);
  const kernels::DeviceTurn turn(ctx);
  try {
    fn(ctx);
  } catch (const kernels::OutOfDeviceMemory& error) {
    throw OutOfMemory("{}", error.what());
  }
}

/// Calls fn(context) with the execution context of a device.
template <class Fn>
void on_device(Device device, Fn&& fn) {
  if (device.type == DeviceType::kCuda) {
    on_gpu(device, fn);
  } else {
    fn(cpu_context());
  }
}

/// Calls fn(context, T{}) with the execution context of the tensor's device and its type T: float
/// or, on the CPU, double.
template <class Fn>
void dispatch_float(const Tensor& tensor, Fn&& fn) {
  if (tensor.device().type == DeviceType::kCuda) {
    require(tensor.dtype() == DType::kFloat32, "a float32 tensor is needed on the GPU, not {}",
            to_string(tensor.dtype()));
    on_gpu(tensor.device(), [&](const auto& ctx) { fn(ctx, float{}); });
  } else if (tensor.dtype() == DType::kFloat32) {
    fn(cpu_context(), float{});
  } else {
    require(tensor.dtype() == DType::kFloat64, "a floating-point tensor is needed, not {}",
            to_string(tensor.dtype()));
    fn(cpu_context(), double{});
  }
}

/// Calls fn(context) for a float32 tensor, for kernels without other types.
template <class Fn>
void dispatch_float32(const Tensor& tensor, Fn&& fn) {
  require(tensor.dtype() == DType::kFloat32, "a float32 tensor is needed, not {}",
          to_string(tensor.dtype()));
  on_device(tensor.device(), fn);
}

/// Calls fn(context, T{}) for activations, with T as for dispatch_float or, on a GPU, also
/// bfloat16.
template <class Fn>
void dispatch_activation(const Tensor& tensor, Fn&& fn) {
  if (tensor.dtype() == DType::kBfloat16) {
    require(tensor.device().type == DeviceType::kCuda, "bfloat16 needs a GPU; use --device cuda");
    on_gpu(tensor.device(), [&](const auto& ctx) { fn(ctx, bfloat16{}); });
  } else {
    dispatch_float(tensor, fn);
  }
}

}  // namespace bptplr
