// The instructions of the tensor cores, for bfloat16 (sm_80 and newer): products of small matrices,
// loads of their operands from shared memory, and copies to shared memory that run beside the
// thread. All 32 lanes of a warp take part in the first two.
//
// A product is c [16, 8] += a [16, 16] b [16, 8]. In which lane and register a value is follows
// from an 8 x 8 matrix of bfloat16, of which a lane holds, in one register, two in a row:
//
//   row lane / 4, columns 2 (lane % 4) and 2 (lane % 4) + 1
//
//   a   four such matrices:  | 0 2 |     b, transposed (a row has one n and runs along k), two:
//                            | 1 3 |     | 0 1 |
//   c   float32, twice two values a lane: | c[0], c[1] |  rows 0..7
//                                         | c[2], c[3] |  rows 8..15
//
// load_matrices() brings four such matrices from shared memory. A row of a matrix is 16 contiguous
// bytes, and lane l says where row l % 8 of matrix l / 8 is; with kTransposed, what is stored in
// rows is given out in columns. Eight rows are read at a time: conflicts of banks are avoided if
// they lie in different 16 bytes of 128.
#pragma once

#include "kernels/cuda/device/block.cuh"

#if defined(BPTPLR_SIMT)
#include <tensor_core.h>
#endif

namespace bptplr::kernels {

#if defined(BPTPLR_SIMT)
using simt::commit_async;
using simt::copy_async;
using simt::load_matrices;
using simt::mma;
using simt::wait_async;
#else

/// c += a b. a: four registers; b: two.
__device__ __forceinline__ void mma(float (&c)[4], const unsigned (&a)[4], unsigned b0,
                                    unsigned b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ unsigned shared_address(const void* shared) {
  return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}

/// m = four 8 x 8 matrices, `row`: of 16 bytes in shared memory, the one that this lane stands for.
template <bool kTransposed>
__device__ __forceinline__ void load_matrices(unsigned (&m)[4], const void* row) {
  if constexpr (kTransposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
                 : "r"(shared_address(row))
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
                 : "r"(shared_address(row))
                 : "memory");
  }
}

/// Queues the copy of 16 bytes from global to shared memory, of zeros where not `valid` (nothing is
/// read then). It goes through L1: neighbouring taps of a convolution read the same values.
__device__ __forceinline__ void copy_async(void* shared, const void* global, bool valid) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;"
               :
               : "r"(shared_address(shared)), "l"(global), "r"(valid ? 16 : 0)
               : "memory");
}

/// The copies that the thread queued since the last call become a group.
__device__ __forceinline__ void commit_async() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

/// Waits until all groups of the thread but the kPending newest have arrived. What other threads
/// copied is there after a barrier.
template <int kPending>
__device__ __forceinline__ void wait_async() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

#endif

}  // namespace bptplr::kernels
