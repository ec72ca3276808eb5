// The part of CUDA that our kernels use, on the host. Placed before the toolkit's include folder
// (or instead of it), it lets the unchanged sources of kernels/cuda compile with a plain C++
// compiler and run under the executor. Names and semantics are CUDA's.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/simt/executor.hpp"

/// Defined where kernels run under the executor.
#define BPTPLR_SIMT 1

// Thrust of 2023 and later defines some of these too, for compilers other than nvcc.
#undef __host__
#undef __device__
#undef __forceinline__
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static
#define __constant__ static
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

using dim3 = bptplr::simt::Dim3;
#define threadIdx (bptplr::simt::thread_idx())
#define blockIdx (bptplr::simt::block_idx())
#define blockDim (bptplr::simt::block_dim())
#define gridDim (bptplr::simt::grid_dim())
inline constexpr int warpSize = 32;

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) double2 {
  double x, y;
};
inline float2 make_float2(float x, float y) {
  return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
  return {x, y, z, w};
}

// --- Barriers -----------------------------------------------------------------------------------
inline void __syncthreads(std::source_location where = std::source_location::current()) {
  bptplr::simt::block_barrier(false, where);
}
inline int __syncthreads_count(int predicate,
                               std::source_location where = std::source_location::current()) {
  return bptplr::simt::block_barrier(predicate != 0, where);
}
inline int __syncthreads_or(int predicate,
                            std::source_location where = std::source_location::current()) {
  return bptplr::simt::block_barrier(predicate != 0, where) > 0 ? 1 : 0;
}
inline int __syncthreads_and(int predicate,
                             std::source_location where = std::source_location::current()) {
  return bptplr::simt::block_barrier(predicate == 0, where) > 0 ? 0 : 1;
}
inline void __syncwarp(unsigned mask = 0xffffffffu,
                       std::source_location where = std::source_location::current()) {
  bptplr::simt::warp_exchange(mask, 0, where);
}
inline void __threadfence() {}
inline void __threadfence_block() {}

// --- Warp operations ----------------------------------------------------------------------------
namespace bptplr::simt {

template <class T>
T shuffle(unsigned mask, T value, unsigned source, std::source_location where) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  const std::uint64_t* values = warp_exchange(mask, bits, where);
  if ((mask >> source & 1u) == 0) fail("a lane outside the mask was read", where);
  T result;
  std::memcpy(&result, &values[source], sizeof(T));
  return result;
}

/// Returns the first lane of the running one's segment of `width` lanes.
inline unsigned part_begin(int width) {
  return lane() / static_cast<unsigned>(width) * static_cast<unsigned>(width);
}

}  // namespace bptplr::simt

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              std::source_location where = std::source_location::current()) {
  const unsigned from = bptplr::simt::part_begin(width) +
                        static_cast<unsigned>(source) % static_cast<unsigned>(width);
  return bptplr::simt::shuffle(mask, value, from, where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32,
                  std::source_location where = std::source_location::current()) {
  const unsigned from = bptplr::simt::lane() ^ static_cast<unsigned>(lanes);
  const bool inside = from < bptplr::simt::part_begin(width) + static_cast<unsigned>(width);
  return bptplr::simt::shuffle(mask, value, inside ? from : bptplr::simt::lane(), where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   std::source_location where = std::source_location::current()) {
  const unsigned from = bptplr::simt::lane() + delta;
  const bool inside = from < bptplr::simt::part_begin(width) + static_cast<unsigned>(width);
  return bptplr::simt::shuffle(mask, value, inside ? from : bptplr::simt::lane(), where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 std::source_location where = std::source_location::current()) {
  const bool inside = bptplr::simt::lane() >= bptplr::simt::part_begin(width) + delta;
  return bptplr::simt::shuffle(mask, value,
                               inside ? bptplr::simt::lane() - delta : bptplr::simt::lane(), where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              std::source_location where = std::source_location::current()) {
  const std::uint64_t* values = bptplr::simt::warp_exchange(mask, predicate != 0 ? 1 : 0, where);
  unsigned votes = 0;
  for (unsigned l = 0; l < 32; ++l) {
    if ((mask >> l & 1u) != 0 && values[l] != 0) votes |= 1u << l;
  }
  return votes;
}
inline int __any_sync(unsigned mask, int predicate,
                      std::source_location where = std::source_location::current()) {
  return __ballot_sync(mask, predicate, where) != 0 ? 1 : 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      std::source_location where = std::source_location::current()) {
  return __ballot_sync(mask, predicate, where) == mask ? 1 : 0;
}

// --- Atomics: threads are fibers of one host thread, so plain arithmetic is atomic. ------------
template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, static_cast<T>(*address + value));
}
template <class T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, *address < value ? value : *address);
}
template <class T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, value < *address ? value : *address);
}
template <class T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, *address | value);
}
template <class T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return std::exchange(*address, value);
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> compare, std::type_identity_t<T> value) {
  const T old = *address;
  if (old == compare) *address = value;
  return old;
}

// --- Arithmetic ---------------------------------------------------------------------------------
inline float rsqrtf(float x) {
  return 1.0f / std::sqrt(x);
}
inline double rsqrt(double x) {
  return 1.0 / std::sqrt(x);
}
inline float __expf(float x) {
  return std::exp(x);
}
inline float __logf(float x) {
  return std::log(x);
}
inline float __fdividef(float a, float b) {
  return a / b;
}
inline float __fadd_rn(float a, float b) {
  return a + b;
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline float __fdiv_rn(float a, float b) {
  return a / b;
}
inline double __dadd_rn(double a, double b) {
  return a + b;
}
inline double __dmul_rn(double a, double b) {
  return a * b;
}
inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}
inline float __uint_as_float(unsigned x) {
  return std::bit_cast<float>(x);
}
inline int __popc(unsigned x) {
  return std::popcount(x);
}
inline int __popcll(unsigned long long x) {
  return std::popcount(x);
}
inline int __ffs(int x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1;
}
inline int __clz(int x) {
  return std::countl_zero(static_cast<unsigned>(x));
}
template <class T>
T __ldg(const T* address) {
  return *address;
}
using std::max;
using std::min;

// --- The runtime API ----------------------------------------------------------------------------
using cudaStream_t = CUstream_st*;
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorNotReady = 600,
  cudaErrorLaunchFailure = 719,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901
};
enum cudaMemcpyKind { cudaMemcpyDefault = 4 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };

inline const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    default:
      return "unspecified launch failure";
  }
}
namespace bptplr::simt {
inline cudaError_t last_error = cudaSuccess;
/// Remembers an error, as CUDA does, until somebody asks for it.
inline cudaError_t returned(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}
}  // namespace bptplr::simt
inline cudaError_t cudaGetLastError() {
  return std::exchange(bptplr::simt::last_error, cudaSuccess);
}
inline cudaError_t cudaPeekAtLastError() {
  return bptplr::simt::last_error;
}
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int) {
  return cudaSuccess;
}
struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  int major, minor, multiProcessorCount;
};
inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  const bptplr::simt::Gpu& gpu = bptplr::simt::gpu();
  *properties = {"host executor", gpu.memory_bytes, gpu.major, gpu.minor, gpu.multiprocessors};
  return cudaSuccess;
}
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  const bptplr::simt::Gpu& gpu = bptplr::simt::gpu();
  *value = attribute == cudaDevAttrMultiProcessorCount ? gpu.multiprocessors
                                                       : static_cast<int>(gpu.shared_bytes);
  return cudaSuccess;
}
inline constexpr unsigned cudaStreamNonBlocking = 1;
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = bptplr::simt::make_stream();
  return cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  bptplr::simt::destroy_stream(stream);
  return cudaSuccess;
}
using cudaEvent_t = CUevent_st*;
inline constexpr unsigned cudaEventDisableTiming = 2;
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = bptplr::simt::make_event();
  return cudaSuccess;
}
inline cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, 0);
}
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  bptplr::simt::destroy_event(event);
  return cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  bptplr::simt::record_event(event, stream);
  return cudaSuccess;
}
inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  bptplr::simt::wait_for(stream, event);
  return cudaSuccess;
}
/// Returns an error during the capture of a stream, for calls that are forbidden then.
inline cudaError_t outside_of_capture() {
  return bptplr::simt::returned(
      bptplr::simt::spoil_recording() ? cudaErrorStreamCaptureUnsupported : cudaSuccess);
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const cudaError_t status = outside_of_capture();
  if (status == cudaSuccess) bptplr::simt::wait_for(event);
  return status;
}
inline cudaError_t cudaEventQuery(cudaEvent_t event) {
  return cudaEventSynchronize(event);
}
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
  *milliseconds = bptplr::simt::elapsed_milliseconds();
  return cudaSuccess;
}
using cudaMemPool_t = void*;
enum cudaMemPoolAttr {
  cudaMemPoolAttrReleaseThreshold = 4,
  cudaMemPoolAttrReservedMemCurrent = 5,
  cudaMemPoolAttrUsedMemCurrent = 7,
  cudaMemPoolAttrUsedMemHigh = 8
};
inline cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  *pool = nullptr;
  return cudaSuccess;
}
inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) {
  return cudaSuccess;
}
inline cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) {
  return cudaSuccess;
}
inline cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr, void* value) {
  const std::uint64_t bytes = bptplr::simt::device_bytes_in_use();
  std::memcpy(value, &bytes, sizeof(bytes));
  return cudaSuccess;
}
inline cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = bptplr::simt::gpu().memory_bytes;
  *free = *total - std::min(*total, bptplr::simt::device_bytes_in_use());
  return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const cudaError_t status = outside_of_capture();
  if (status == cudaSuccess) bptplr::simt::catch_up(stream);
  return status;
}
inline cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return cudaStreamSynchronize(stream);
}
inline cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  *memory = bptplr::simt::device_malloc(bytes);
  return bptplr::simt::returned(*memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}
inline cudaError_t cudaFree(void* memory) {
  bptplr::simt::device_free(memory);
  return cudaSuccess;
}
/// Fails during capture, unlike CUDA, which would add the call to the graph, and for no bytes, as the
/// copies below do: no code here relies on either.
inline cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t) {
  if (bytes == 0) return bptplr::simt::returned(cudaErrorInvalidValue);
  const cudaError_t status = outside_of_capture();
  return status == cudaSuccess ? cudaMalloc(memory, bytes) : status;
}
inline cudaError_t cudaFreeAsync(void* memory, cudaStream_t) {
  const cudaError_t status = outside_of_capture();
  return status == cudaSuccess ? cudaFree(memory) : status;
}
inline cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  *memory = std::malloc(bytes);
  return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
inline cudaError_t cudaFreeHost(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes,
                                   cudaMemcpyKind, cudaStream_t stream) {
  if (bytes == 0) return bptplr::simt::returned(cudaErrorInvalidValue);
  bptplr::simt::queue(stream, [=] { std::memmove(target, source, bytes); });
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void* target, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return bptplr::simt::returned(cudaErrorInvalidValue);
  bptplr::simt::queue(stream, [=] { std::memset(target, value, bytes); });
  return cudaSuccess;
}
struct cudaFuncAttributes {
  std::size_t sharedSizeBytes;
};
template <class Function>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, Function*) {
  attributes->sharedSizeBytes = bptplr::simt::kStaticSharedBytes;
  return cudaSuccess;
}
template <class Function>
cudaError_t cudaFuncSetAttribute(Function*, cudaFuncAttribute, int bytes) {
  const bool fits = static_cast<std::size_t>(bytes) + bptplr::simt::kStaticSharedBytes <=
                    bptplr::simt::gpu().shared_bytes;
  return bptplr::simt::returned(fits ? cudaSuccess : cudaErrorInvalidValue);
}

/// Launches a kernel, as `kernel<<<...>>>(arguments...)` does; has the signature of
/// cudaLaunchKernel.
inline cudaError_t cudaLaunchKernel(const std::function<void()>& kernel, dim3 grid, dim3 block,
                                    std::size_t shared_bytes, cudaStream_t stream) {
  bptplr::simt::queue(stream, [=] { bptplr::simt::launch(grid, block, shared_bytes, kernel); });
  return cudaSuccess;
}

// --- Graphs -------------------------------------------------------------------------------------
using cudaGraph_t = std::vector<std::function<void()>>*;
using cudaGraphExec_t = cudaGraph_t;
enum cudaStreamCaptureMode { cudaStreamCaptureModeRelaxed = 2 };

inline cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  bptplr::simt::begin_recording();
  return cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  auto recorded = bptplr::simt::end_recording();
  if (!recorded) return cudaErrorStreamCaptureInvalidated;
  *graph = new std::vector(*std::move(recorded));
  return cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                        unsigned long long) {
  *executable = new std::vector(*graph);
  return cudaSuccess;
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  for (const auto& work : *executable) bptplr::simt::run(work);
  return cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
