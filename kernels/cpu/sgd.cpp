#include "kernels/sgd.hpp"

#include <algorithm>
#include <atomic>

#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

/// Calls fn(tensor, begin, end) for every chunk of a tensor that has a gradient, in parallel.
template <class T, class Fn>
void for_each_chunk(const SgdTensor<T>* tensors, std::int64_t chunks, const SgdChunk* chunk_list,
                    Fn&& fn) {
  parallel_for(chunks, kElementGrain / kSgdChunk, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t c = first; c < last; ++c) {
      const SgdChunk& chunk = chunk_list[c];
      const SgdTensor<T>& tensor = tensors[chunk.tensor];
      if (tensor.grad == nullptr) continue;
      fn(tensor, chunk.begin, std::min(chunk.begin + kSgdChunk, tensor.n));
    }
  });
}

}  // namespace

std::vector<SgdChunk> sgd_chunks(std::span<const std::int64_t> sizes) {
  std::vector<SgdChunk> chunks;
  for (std::size_t tensor = 0; tensor < sizes.size(); ++tensor) {
    for (std::int64_t begin = 0; begin < sizes[tensor]; begin += kSgdChunk) {
      chunks.push_back({static_cast<std::int32_t>(tensor), begin});
    }
  }
  return chunks;
}

template <class Context, class T>
void sgd_step(const Context&, const double* lr, double momentum, double weight_decay,
              const SgdTensor<T>* tensors, std::int64_t chunks, const SgdChunk* chunk_list,
              const std::int64_t* skip) {
  if (skip != nullptr && *skip != 0) return;
  const auto rate = static_cast<T>(*lr);
  const auto m = static_cast<T>(momentum);
  const auto decay = static_cast<T>(weight_decay);
  for_each_chunk(tensors, chunks, chunk_list,
                 [=](const SgdTensor<T>& tensor, std::int64_t begin, std::int64_t end) {
                   const T* grad = tensor.grad;
                   T* velocity = tensor.velocity;
                   T* parameter = tensor.parameter;
#pragma omp simd
                   for (std::int64_t i = begin; i < end; ++i) {
                     velocity[i] = m * velocity[i] + (grad[i] + decay * parameter[i]);
                     parameter[i] -= rate * velocity[i];
                   }
                 });
}

template <class Context, class T>
void find_nonfinite(const Context&, const SgdTensor<T>* tensors, std::int64_t chunks,
                    const SgdChunk* chunk_list, std::int64_t* found) {
  std::atomic<bool> finite = true;
  for_each_chunk(tensors, chunks, chunk_list,
                 [&](const SgdTensor<T>& tensor, std::int64_t begin, std::int64_t end) {
                   // Products with 0 are 0, but for infinity and NaN, and their sum shows whether
                   // there was one.
                   T sum = 0;
#pragma omp simd reduction(+ : sum)
                   for (std::int64_t i = begin; i < end; ++i) sum += tensor.grad[i] * T{0};
                   if (sum != T{0}) finite.store(false, std::memory_order_relaxed);
                 });
  if (!finite) *found = 1;
}

#define BPTPLR_INSTANTIATE(T)                                                                   \
  template void sgd_step(const CpuContext&, const double*, double, double, const SgdTensor<T>*, \
                         std::int64_t, const SgdChunk*, const std::int64_t*);                   \
  template void find_nonfinite(const CpuContext&, const SgdTensor<T>*, std::int64_t,            \
                               const SgdChunk*, std::int64_t*);
BPTPLR_INSTANTIATE(float)
BPTPLR_INSTANTIATE(double)
#undef BPTPLR_INSTANTIATE

}  // namespace bptplr::kernels
