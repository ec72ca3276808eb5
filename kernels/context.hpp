// The execution context that every kernel takes first: where it runs and where its scratch memory
// comes from. Kernels themselves never allocate.
//
// A kernel is declared once, as a template over its context: cpu/ defines it for CpuContext, cuda/
// for CudaContext, each for the types T that the header names. A call with another type does not
// link. Pointers are memory of the context's device unless a comment says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

struct CUstream_st;  // what CUDA's cudaStream_t points to

namespace bptplr::kernels {

/// Scratch memory lent to a kernel. The owner (the engine) keeps it and lets it grow.
class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  virtual ~Workspace() = default;

  /// At least `bytes` of uninitialised memory, 64-byte aligned. It stays valid until the next call,
  /// so a kernel asks once for all that it needs.
  virtual void* reserve(std::size_t bytes) = 0;
};

/// Runs on the host. Threads come from OpenMP (`omp_set_num_threads` limits them); the results of
/// every kernel are the same bits for any number of threads.
struct CpuContext {
  Workspace* workspace = nullptr;

  template <class T>
  T* scratch(std::int64_t count) const {
    return static_cast<T*>(workspace->reserve(static_cast<std::size_t>(count) * sizeof(T)));
  }
};

/// Runs on an NVIDIA GPU: kernels are queued on `stream` and the call returns before they have run.
/// Results are the same bits in every run: no kernel adds floating-point numbers in an order left
/// to chance.
struct CudaContext {
  CUstream_st* stream = nullptr;
  Workspace* workspace = nullptr;
  void* state = nullptr;  ///< what kernels/cuda keeps for the device: memory pool, library handles

  template <class T>
  T* scratch(std::int64_t count) const {
    return static_cast<T*>(workspace->reserve(static_cast<std::size_t>(count) * sizeof(T)));
  }
};

}  // namespace bptplr::kernels
