// The one way to launch a kernel. There is no <<<>>> in this project, so that the same sources also
// run on the host under the executor of tests/simt.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdio>
#include <string>

#include "kernels/context.hpp"
#include "kernels/device_error.hpp"

namespace bptplr::kernels {

inline void check(cudaError_t status, const char* during) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // the exception reports it, not the next check
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

/// Returns what the running GPU has of something.
inline int device_attribute(cudaDeviceAttr attribute) {
  int device = 0;
  check(cudaGetDevice(&device), "when the device was asked for");
  int value = 0;
  check(cudaDeviceGetAttribute(&value, attribute, device), "when the device was described");
  return value;
}

/// For kernels whose results do not depend on the number of their blocks. Where sums do, it is
/// fixed.
inline int multiprocessors() {
  return device_attribute(cudaDevAttrMultiProcessorCount);
}

/// Returns the bytes of dynamic shared memory that a block of `kernel` can have on the running GPU:
/// 227 KiB on an H100, 163 on an A100, 99 on most others, less what is static.
template <class... Params>
std::size_t dynamic_shared_limit(void (*kernel)(Params...)) {
  cudaFuncAttributes attributes{};
  check(cudaFuncGetAttributes(&attributes, kernel), "when a kernel was described");
  return static_cast<std::size_t>(device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin)) -
         attributes.sharedSizeBytes;
}

/// Asks for what a block gets only if its kernel has asked for it.
template <class... Params>
void allow_shared(void (*kernel)(Params...), std::size_t bytes) {
  const cudaError_t status = cudaFuncSetAttribute(
      kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
  if (status == cudaSuccess) return;
  cudaGetLastError();  // the exception reports it, not the next check
  const std::size_t limit = dynamic_shared_limit(kernel);
  if (bytes <= limit) check(status, "when a kernel asked for shared memory");
  char text[128];
  std::snprintf(text, sizeof(text),
                "a kernel needs %.1f KiB of shared memory a block, and this GPU has %.1f KiB; use "
                "--device cpu",
                static_cast<double>(bytes) / 1024, static_cast<double>(limit) / 1024);
  throw CudaError(text);
}

/// Queues kernel(args...) on the context's stream. A grid without blocks does nothing.
template <class... Params, class... Args>
void launch(const CudaContext& ctx, const LaunchShape& shape, void (*kernel)(Params...),
            const Args&... args) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
  if (shape.shared_bytes > kDefaultSharedBytes) allow_shared(kernel, shape.shared_bytes);
#if defined(BPTPLR_SIMT)
  check(cudaLaunchKernel([=] { kernel(static_cast<Params>(args)...); }, shape.grid, shape.block,
                         shape.shared_bytes, stream_of(ctx)),
        "when a kernel was launched");
#else
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
