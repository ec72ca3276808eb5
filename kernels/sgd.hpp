// Stochastic gradient descent with momentum and weight decay, as torch.optim.SGD, over all tensors
// of a model in one call. T: float, the same bits on every device; double on a CPU.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Tensor of n parameters. Without a gradient (null) it does not change.
template <class T>
struct SgdTensor {
  const T* grad;
  T* velocity;  ///< starts at zero
  T* parameter;
  bfloat16* copy;  ///< receives the new parameters as bfloat16; may be null, and is null on a CPU
  std::int64_t n;
};

/// Parameters per chunk; the last chunk of a tensor has fewer.
inline constexpr std::int64_t kSgdChunk = 4096;

struct SgdChunk {
  std::int32_t tensor;  ///< index in the list of tensors
  std::int64_t begin;   ///< index of the chunk's first parameter in the tensor
};

/// Cuts tensors of these sizes into chunks, on the host; done once for a model.
std::vector<SgdChunk> sgd_chunks(std::span<const std::int64_t> sizes);

/// Updates velocity = momentum * velocity + (grad + weight_decay * parameter), then
/// parameter -= lr * velocity. tensors, chunk_list [chunks] and lr [1] are in device memory, where
/// a graph (device_graph.hpp) reads them in every replay. `skip` is null or one number there: if it
/// is not 0, nothing changes.
template <class Context, class T>
void sgd_step(const Context& ctx, const double* lr, double momentum, double weight_decay,
              const SgdTensor<T>* tensors, std::int64_t chunks, const SgdChunk* chunk_list,
              const std::int64_t* skip);

/// Sets found [1] to 1 if a gradient holds an infinite value or NaN; otherwise leaves it unchanged.
template <class Context, class T>
void find_nonfinite(const Context& ctx, const SgdTensor<T>* tensors, std::int64_t chunks,
                    const SgdChunk* chunk_list, std::int64_t* found);

}  // namespace bptplr::kernels
