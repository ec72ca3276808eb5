// One step of the optimiser over all parameters in one launch. A network has some 60 tensors, most
// of them a few hundred values: a launch for each would cost more than the arithmetic. The tensors
// are therefore cut into chunks of equal size, one block a chunk, by lists that are made once and
// stay on the device. A chunk begins at a multiple of 16 bytes when its tensor does. The floor is
// 20 bytes a parameter (gradient, velocity and parameter read; velocity and parameter written), 22
// with the bfloat16 copy, which is written here so that no other launch need read the parameters.
//
// Whether all gradients are finite is found out in a launch of its own ahead of that, for 4 bytes a
// parameter: only then is it known that no parameter may change.
//
// Every operation is rounded by itself, so that the results are the CPU's bits.
#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/sgd.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kWidth = kVecWidth<float>;
static_assert(kSgdChunk % kWidth == 0);

struct Step {
  float lr, momentum, weight_decay;
};

/// kCount neighbouring parameters of a tensor, from number i.
template <int kCount>
__device__ __forceinline__ void update(const Step& step, const SgdTensor<float>& tensor,
                                       std::int64_t i) {
  const Vec<float, kCount> grad = load_vec<float, kCount>(tensor.grad + i);
  Vec<float, kCount> velocity = load_vec<float, kCount>(tensor.velocity + i);
  Vec<float, kCount> parameter = load_vec<float, kCount>(tensor.parameter + i);
  Vec<bfloat16, kCount> copy;
#pragma unroll
  for (int k = 0; k < kCount; ++k) {
    const float slope = __fadd_rn(grad.v[k], __fmul_rn(step.weight_decay, parameter.v[k]));
    velocity.v[k] = __fadd_rn(__fmul_rn(step.momentum, velocity.v[k]), slope);
    parameter.v[k] = __fadd_rn(parameter.v[k], -__fmul_rn(step.lr, velocity.v[k]));
    copy.v[k] = bfloat16(parameter.v[k]);
  }
  store_vec(tensor.velocity + i, velocity);
  store_vec(tensor.parameter + i, parameter);
  if (tensor.copy != nullptr) store_vec(tensor.copy + i, copy);
}

__device__ bool is_aligned(const SgdTensor<float>& tensor) {
  const auto bits = [](const void* address) { return reinterpret_cast<std::uintptr_t>(address); };
  return (bits(tensor.grad) | bits(tensor.velocity) | bits(tensor.parameter)) % 16 == 0 &&
         bits(tensor.copy) % sizeof(Vec<bfloat16, kWidth>) == 0;
}

__global__ void __launch_bounds__(kThreads)
    sgd_kernel(const double* lr, float momentum, float weight_decay,
               const SgdTensor<float>* tensors, const SgdChunk* chunks, const std::int64_t* skip) {
  if (skip != nullptr && *skip != 0) return;
  const Step step{static_cast<float>(*lr), momentum, weight_decay};
  const SgdChunk chunk = chunks[blockIdx.x];
  const SgdTensor<float> tensor = tensors[chunk.tensor];
  if (tensor.grad == nullptr) return;
  const std::int64_t end = min(chunk.begin + kSgdChunk, tensor.n);
  const std::int64_t vectors_end =
      is_aligned(tensor) ? end - (end - chunk.begin) % kWidth : chunk.begin;
  for (std::int64_t i = chunk.begin + threadIdx.x * kWidth; i < vectors_end;
       i += kThreads * kWidth) {
    update<kWidth>(step, tensor, i);
  }
  for (std::int64_t i = vectors_end + threadIdx.x; i < end; i += kThreads) {
    update<1>(step, tensor, i);
  }
}

__global__ void __launch_bounds__(kThreads)
    find_nonfinite_kernel(const SgdTensor<float>* tensors, const SgdChunk* chunks,
                          std::int64_t* found) {
  const SgdChunk chunk = chunks[blockIdx.x];
  const SgdTensor<float> tensor = tensors[chunk.tensor];
  if (tensor.grad == nullptr) return;
  const std::int64_t end = min(chunk.begin + kSgdChunk, tensor.n);
  bool finite = true;
  for (std::int64_t i = chunk.begin + threadIdx.x; i < end; i += kThreads) {
    finite = finite && tensor.grad[i] * 0.0f == 0.0f;  // but for infinity and NaN
  }
  // Whoever writes, writes the same.
  if (!finite) *found = 1;
}

}  // namespace

template <>
void sgd_step(const CudaContext& ctx, const double* lr, double momentum, double weight_decay,
              const SgdTensor<float>* tensors, std::int64_t chunks, const SgdChunk* chunk_list,
              const std::int64_t* skip) {
  launch(ctx, {dim3(static_cast<unsigned>(chunks)), dim3(kThreads)}, sgd_kernel, lr,
         static_cast<float>(momentum), static_cast<float>(weight_decay), tensors, chunk_list, skip);
}

template <>
void find_nonfinite(const CudaContext& ctx, const SgdTensor<float>* tensors, std::int64_t chunks,
                    const SgdChunk* chunk_list, std::int64_t* found) {
  launch(ctx, {dim3(static_cast<unsigned>(chunks)), dim3(kThreads)}, find_nonfinite_kernel, tensors,
         chunk_list, found);
}

}  // namespace bptplr::kernels
