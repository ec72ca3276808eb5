// The classes with the largest logits of each row, and the row's label, as bit sets. A warp takes a
// row and keeps it in registers, lane l the classes l, l + 32, ...: so a row is read once, a vote
// of the lanes is half a word of the set, and the set is written once. Of a row of 100 classes that
// is 400 bytes in and 16 out: nothing, beside the launch.
//
// The kappa largest are found one after the other (kappa is 3 or so): every lane offers its best,
// the warp takes the maximum. Logits become integers of the same order with the class below them,
// so that one maximum also settles ties.
#include <algorithm>

#include "kernels/cuda/device/block.cuh"
#include "kernels/cuda/runtime/launch.hpp"
#include "kernels/plr.hpp"

namespace bptplr::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kRowsPerBlock = kThreads / kWarp;

/// An integer that is larger where the value is, never 0. -0 is as large as 0.
__device__ __forceinline__ unsigned order_of(float value) {
  const unsigned bits = __float_as_uint(value == 0.0f ? 0.0f : value);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

/// The row's classes that a lane holds: bit and array index k for class 32 k + lane.
template <int kHeld>
struct Held {
  unsigned order[kHeld];
  unsigned chosen = 0;

  __device__ Held(const float* logits, int classes, int lane) {
#pragma unroll
    for (int k = 0; k < kHeld; ++k) {
      const int c = k * kWarp + lane;
      order[k] = c < classes ? order_of(logits[c]) : 0;
    }
  }

  /// The best that is not chosen yet: its order (0 if none is) above the complement of its class.
  __device__ std::uint64_t best(int lane) const {
    unsigned largest = 0;
    int at = 0;
#pragma unroll
    for (int k = 0; k < kHeld; ++k) {
      if ((chosen >> k & 1u) == 0 && order[k] > largest) {
        largest = order[k];
        at = k;
      }
    }
    return std::uint64_t{largest} << 32 | ~static_cast<unsigned>(at * kWarp + lane);
  }

  /// Chooses class c, in the lane that holds it.
  __device__ void choose(unsigned c, int lane) {
    if (static_cast<int>(c % kWarp) == lane) chosen |= 1u << (c / kWarp);
  }
};

template <int kHeld>
__global__ void __launch_bounds__(kThreads)
    class_sets_kernel(std::int64_t rows, int classes, int words, int kappa, const float* logits,
                      const std::int64_t* labels, std::uint64_t* sets) {
  const std::int64_t row =
      static_cast<std::int64_t>(blockIdx.x) * kRowsPerBlock + threadIdx.x / kWarp;
  if (row >= rows) return;  // a whole warp leaves at once
  const int lane = threadIdx.x % kWarp;
  Held<kHeld> held(logits + row * classes, classes, lane);
  for (int rank = 0; rank < kappa; ++rank) {
    held.choose(~static_cast<unsigned>(warp_max(held.best(lane))), lane);
  }
  held.choose(static_cast<unsigned>(labels[row]), lane);
  std::uint64_t own = 0;
#pragma unroll
  for (int w = 0; w < kHeld / 2; ++w) {
    const std::uint64_t low = __ballot_sync(kAllLanes, held.chosen >> 2 * w & 1u);
    const std::uint64_t high = __ballot_sync(kAllLanes, held.chosen >> (2 * w + 1) & 1u);
    if (lane == w) own = high << 32 | low;
  }
  if (lane < words) sets[row * words + lane] = own;
}

}  // namespace

template <>
void class_sets(const CudaContext& ctx, std::int64_t rows, std::int64_t classes, std::int64_t kappa,
                const float* logits, const std::int64_t* labels, std::uint64_t* sets) {
  constexpr int kFew = 4, kMost = kMaxSetClasses / kWarp;
  const int words = static_cast<int>(class_set_words(classes));
  const LaunchShape shape{dim3(static_cast<unsigned>(div_up(rows, kRowsPerBlock))), dim3(kThreads)};
  launch(ctx, shape, classes <= kFew * kWarp ? class_sets_kernel<kFew> : class_sets_kernel<kMost>,
         rows, static_cast<int>(classes), words, static_cast<int>(std::min(kappa, classes)), logits,
         labels, sets);
}

}  // namespace bptplr::kernels
