// Stochastic gradient descent with momentum and weight decay, as torch.optim.SGD, over all tensors
// of a model in one call. T: float, the same bits on every device; double on a CPU.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

/// One tensor of n parameters. Without a gradient (null) it is left as it is.
template <class T>
struct SgdTensor {
  const T* grad;
  T* velocity;  ///< starts at zero
  T* parameter;
  bfloat16* copy;  ///< gets the new parameters as bfloat16; may be null, and is on a CPU
  std::int64_t n;
};

/// Parameters that one chunk holds, fewer at the end of a tensor.
inline constexpr std::int64_t kSgdChunk = 4096;

struct SgdChunk {
  std::int32_t tensor;  ///< its number in the list of tensors
  std::int64_t begin;   ///< number of the chunk's first parameter in it
};

/// Cuts tensors of these sizes into chunks. All on the host; done once for a model.
std::vector<SgdChunk> sgd_chunks(std::span<const std::int64_t> sizes);

/// velocity = momentum * velocity + (grad + weight_decay * parameter);
/// parameter -= lr * velocity.
/// tensors, chunk_list [chunks] and lr [1] are in memory of the device, where a graph
/// (device_graph.hpp) reads them anew in every replay. `skip` is null, or one number there: where
/// it is not 0, everything stays as it is.
template <class Context, class T>
void sgd_step(const Context& ctx, const double* lr, double momentum, double weight_decay,
              const SgdTensor<T>* tensors, std::int64_t chunks, const SgdChunk* chunk_list,
              const std::int64_t* skip);

/// Sets found [1] to 1 where a gradient holds an infinite value or NaN, and leaves it alone
/// elsewhere.
template <class Context, class T>
void find_nonfinite(const Context& ctx, const SgdTensor<T>* tensors, std::int64_t chunks,
                    const SgdChunk* chunk_list, std::int64_t* found);

}  // namespace bptplr::kernels
