// The one way to launch a kernel. There is no <<<>>> in this project, so that the same sources also
// run on the host under the executor of tests/simt.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <stdexcept>
#include <string>

#include "kernels/context.hpp"

namespace bptplr::kernels {

/// CUDA reported an error; the message says during what.
class CudaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline void check(cudaError_t status, const char* during) {
  if (status == cudaSuccess) return;
  throw CudaError(std::string("CUDA failed (") + cudaGetErrorString(status) + ") " + during);
}

inline cudaStream_t stream_of(const CudaContext& ctx) {
  return ctx.stream;
}

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;  ///< of dynamic shared memory, see dynamic_shared()
};

/// Dynamic shared memory that a kernel gets without asking for more. CUDA's own limit of 48 KiB is
/// one for dynamic and static memory together; no kernel here has 16 KiB of the latter.
inline constexpr std::size_t kDefaultSharedBytes = 32 << 10;

/// Queues kernel(args...) on the context's stream. A grid without blocks does nothing.
template <class... Params, class... Args>
void launch(const CudaContext& ctx, const LaunchShape& shape, void (*kernel)(Params...),
            const Args&... args) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
#if defined(BPTPLR_SIMT)
  check(cudaLaunchKernel([=] { kernel(static_cast<Params>(args)...); }, shape.grid, shape.block,
                         shape.shared_bytes, stream_of(ctx)),
        "when a kernel was launched");
#else
  if (shape.shared_bytes > kDefaultSharedBytes) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(shape.shared_bytes)),
          "when a block asked for more shared memory than this GPU has: with so many classes, or "
          "features so long, train with --device cpu");
  }
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream_of(ctx);
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Params>(args)...),
        "when a kernel was launched");
#endif
}

}  // namespace bptplr::kernels
