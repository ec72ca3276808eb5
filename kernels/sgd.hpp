// Stochastic gradient descent with momentum and weight decay, as torch.optim.SGD.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

/// velocity = momentum * velocity + (grad + weight_decay * parameter);
/// parameter -= lr * velocity. All arrays have n values; velocity starts at zero.
template <class T>
void sgd_step(const CpuContext& ctx, T lr, T momentum, T weight_decay, const T* grad, T* velocity,
              T* parameter, std::int64_t n);

/// Whether none of the n values is infinite or NaN.
template <class T>
bool all_finite(const CpuContext& ctx, const T* values, std::int64_t n);

// The same on a GPU, equal to the bit, for all tensors of a model in one launch.

/// One tensor of n parameters. Without a gradient (null) it is left as it is.
struct SgdTensor {
  const float* grad;
  float* velocity;
  float* parameter;
  bfloat16* copy;  ///< gets the new parameters as bfloat16; may be null
  std::int64_t n;

  bool operator==(const SgdTensor&) const = default;
};

/// Parameters that one chunk holds, fewer at the end of a tensor.
inline constexpr std::int64_t kSgdChunk = 4096;

struct SgdChunk {
  std::int32_t tensor;  ///< its number in the list of tensors
  std::int64_t begin;   ///< number of the chunk's first parameter in it
};

/// Tensors of these sizes cut into chunks. All on the host; done once for a model.
std::vector<SgdChunk> sgd_chunks(std::span<const std::int64_t> sizes);

/// tensors and chunk_list [chunks] are device memory, and so is the one number lr, which a graph
/// (device_graph.hpp) reads anew in every replay. `skip` is null, or one number in device memory:
/// where it is not 0, everything stays as it is.
void sgd_step(const CudaContext& ctx, const double* lr, float momentum, float weight_decay,
              const SgdTensor* tensors, std::int64_t chunks, const SgdChunk* chunk_list,
              const std::int64_t* skip);

/// Sets *found, in device memory, to 1 where a gradient holds an infinite value or NaN, and leaves
/// it alone elsewhere.
void find_nonfinite(const CudaContext& ctx, const SgdTensor* tensors, std::int64_t chunks,
                    const SgdChunk* chunk_list, std::int64_t* found);

}  // namespace bptplr::kernels
