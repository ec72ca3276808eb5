// The tensor-core instructions of Hopper (sm_90a), for bfloat16. Four warps, a warp group, multiply
// together: c [64, columns] += a [64, 16] b [16, columns], both factors read from shared memory by
// the tensor cores themselves, beside the threads, which only wait for the sums.
//
// Where a factor lies in shared memory is told by a descriptor of 64 bits (PTX manual,
// "Asynchronous warpgroup-level matrix shared memory layout"). All of ours are swizzled by 128
// bytes, which is how matrix_tile.cuh stores them: of an address, bits 4..6 are changed by bits
// 7..9, so operands must begin at multiples of 1024.
//
//   along the depth    a row of 128 bytes for each row of a (column of b); eight rows make a group
//   across the depth   a row of 128 bytes for each value of the depth; panels of 64 rows of a
//
// In which lane and register a sum is: as with mma(), warp w of the group has rows 16 w .. 16 w +
// 15, and c[j] is its 16 x 8 sums of the columns from 8 j.
#pragma once

#include "kernels/cuda/device/tensor_core.cuh"

#if defined(BPTPLR_SIMT)
#include <warp_group.h>
#endif

namespace bptplr::kernels {

inline constexpr int kSwizzleBytes = 1024;  // that the pattern takes to repeat

/// Describes a factor that begins at `shared_address` (of the window of shared memory). `leading`:
/// bytes from panel to panel, where the factor lies across the depth; `stride`: from eight rows of
/// 128 bytes to the next eight.
__host__ __device__ constexpr unsigned long long describe_factor(unsigned shared_address,
                                                                 int leading, int stride) {
  constexpr unsigned long long kSwizzledBy128 = 1;
  const auto field = [](unsigned bytes) { return (bytes & 0x3ffffu) >> 4; };
  return static_cast<unsigned long long>(field(shared_address)) |
         static_cast<unsigned long long>(field(static_cast<unsigned>(leading))) << 16 |
         static_cast<unsigned long long>(field(static_cast<unsigned>(stride))) << 32 |
         kSwizzledBy128 << 62;
}

#if defined(BPTPLR_SIMT)
using simt::commit_products;
using simt::fence_copies;
using simt::fence_sums;
using simt::multiply_group;
using simt::shared_address;
using simt::swizzled_shared;
using simt::wait_products;
#else

/// The block's dynamic shared memory, aligned for the swizzle.
__device__ __forceinline__ unsigned char* swizzled_shared() {
  extern __shared__ __align__(1024) unsigned char swizzled_shared_bytes[];
  return swizzled_shared_bytes;
}

/// What this thread wrote or copied to shared memory, and has arrived, is seen by products that are
/// queued after the next barrier.
__device__ __forceinline__ void fence_copies() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/// Before the first product of a group, and whenever the threads have touched the sums.
template <int kEights>
__device__ __forceinline__ void fence_sums(float (&c)[kEights][4]) {
#pragma unroll
  for (auto& eight : c) {
#pragma unroll
    for (float& sum : eight) asm volatile("" : "+f"(sum)::"memory");
  }
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

/// The products that were queued since the last call become a group.
__device__ __forceinline__ void commit_products() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/// Waits for all products, whose sums may then be read.
template <int kEights>
__device__ __forceinline__ void wait_products(float (&c)[kEights][4]) {
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#pragma unroll
  for (auto& eight : c) {
#pragma unroll
    for (float& sum : eight) asm volatile("" : "+f"(sum)::"memory");
  }
}

#define BPTPLR_SUMS(j) "+f"(c[j][0]), "+f"(c[j][1]), "+f"(c[j][2]), "+f"(c[j][3])

/// Queues c += a b. kAcross...: the factor lies across the depth.
template <bool kAcrossA, bool kAcrossB>
__device__ __forceinline__ void multiply_group(float (&c)[8][4], unsigned long long a,
                                               unsigned long long b) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.eq.u32 add, 0, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
      "%32, %33, add, 1, 1, %34, %35;\n"
      "}"
      : BPTPLR_SUMS(0), BPTPLR_SUMS(1), BPTPLR_SUMS(2), BPTPLR_SUMS(3), BPTPLR_SUMS(4),
        BPTPLR_SUMS(5), BPTPLR_SUMS(6), BPTPLR_SUMS(7)
      : "l"(a), "l"(b), "n"(kAcrossA ? 1 : 0), "n"(kAcrossB ? 1 : 0));
}

template <bool kAcrossA, bool kAcrossB>
__device__ __forceinline__ void multiply_group(float (&c)[16][4], unsigned long long a,
                                               unsigned long long b) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.eq.u32 add, 0, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
      "%64, %65, add, 1, 1, %66, %67;\n"
      "}"
      : BPTPLR_SUMS(0), BPTPLR_SUMS(1), BPTPLR_SUMS(2), BPTPLR_SUMS(3), BPTPLR_SUMS(4),
        BPTPLR_SUMS(5), BPTPLR_SUMS(6), BPTPLR_SUMS(7), BPTPLR_SUMS(8), BPTPLR_SUMS(9),
        BPTPLR_SUMS(10), BPTPLR_SUMS(11), BPTPLR_SUMS(12), BPTPLR_SUMS(13), BPTPLR_SUMS(14),
        BPTPLR_SUMS(15)
      : "l"(a), "l"(b), "n"(kAcrossA ? 1 : 0), "n"(kAcrossB ? 1 : 0));
}

#undef BPTPLR_SUMS

#endif

}  // namespace bptplr::kernels
