// From a tensor's run-time device and type to the kernel overload that serves it.
#pragma once

#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// Calls fn(context, T{}) with the execution context of the tensor's device and its floating-point
/// type T.
template <class Fn>
void dispatch_float(const Tensor& tensor, Fn&& fn) {
  const kernels::CpuContext ctx = cpu_context();
  if (tensor.dtype() == DType::kFloat32) {
    fn(ctx, float{});
  } else {
    require(tensor.dtype() == DType::kFloat64, "a floating-point tensor is needed, not {}",
            to_string(tensor.dtype()));
    fn(ctx, double{});
  }
}

}  // namespace bptplr
