// Execution context, the first argument of every kernel: where it runs and its scratch memory.
// Kernels never allocate.
//
// A kernel is declared once, as a template over its context: cpu/ defines it for CpuContext, cuda/
// for CudaContext, each for the types T that the header names. A call with another type does not
// link. Pointers are memory of the context's device unless a comment says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

struct CUstream_st;  // pointee of CUDA's cudaStream_t

namespace bptplr::kernels {

/// Scratch memory lent to a kernel. The owner (the engine) keeps it and lets it grow.
class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  virtual ~Workspace() = default;

  /// Returns at least `bytes` of uninitialised memory, 64-byte aligned. It is valid until the next
  /// call, so a kernel reserves once for everything.
  virtual void* reserve(std::size_t bytes) = 0;
};

/// Context of kernels on the host. Threads come from OpenMP (`omp_set_num_threads` limits them);
/// the results of every kernel are the same bits for any number of threads.
struct CpuContext {
  Workspace* workspace = nullptr;
  /// Convolutions of float round their factors to bfloat16 and sum in float32 (cpu_level.hpp).
  bool bf16_products = false;

  template <class T>
  T* scratch(std::int64_t count) const {
    return static_cast<T*>(workspace->reserve(static_cast<std::size_t>(count) * sizeof(T)));
  }
};

/// Context of kernels on an NVIDIA GPU, which are queued on `stream`: the call returns before they
/// have run. Every sum of floating-point numbers has a fixed order, so a kernel gives the same bits
/// each time; which one computes a convolution or product is measured once a process, or follows a
/// rule (determinism.hpp).
struct CudaContext {
  CUstream_st* stream = nullptr;
  Workspace* workspace = nullptr;
  void* state = nullptr;  ///< state of the device in kernels/cuda: memory pool, graphs, lock

  template <class T>
  T* scratch(std::int64_t count) const {
    return static_cast<T*>(workspace->reserve(static_cast<std::size_t>(count) * sizeof(T)));
  }
};

}  // namespace bptplr::kernels
