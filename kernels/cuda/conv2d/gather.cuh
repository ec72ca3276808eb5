// Forward convolution and data gradient as one kernel: both are a product of a gathered matrix and
// the weights. A row of the first is an output pixel of the call, its depth the channels of the
// pixels that the taps of the kernel read, a tap after the other; it exists only in tiles, in
// shared memory, where pixels outside of the image are zeros. What differs is told by the numbers
// in GatherProblem, and by how the weights lie: along the depth (forward) or across it.
//
// A gradient through a stride reads from pixels that are a stride apart, and which taps meet them
// depends on where the pixel is. So pixels are divided by their coordinates modulo the stride into
// phases, each of which has its own taps: no product with zeros is computed. Every tap belongs to
// one phase.
//
// For 64 channels of the depth all taps are gone through before the next 64, so that neighbouring
// taps find what they share in L1. Blocks that follow each other have the same pixels and other
// output channels, so that pixels come from device memory once.
//
// Here is the problem and how a tile of it is loaded; gather_store.cuh says what becomes of
// the sums, gather_kernel.cuh is the kernel.
#pragma once

#include "kernels/conv2d_batch_norm.hpp"
#include "kernels/cuda/conv2d/pixels.cuh"
#include "kernels/cuda/device/matrix_tile.cuh"

namespace bptplr::kernels {

struct Tap {
  int h, w;     // from the pixel of the grid times the step to the one that is read
  int weights;  // its number in the kernel
};

/// Output pixels (grid pixel * out_step + (h, w)) and their taps.
struct Phase {
  PixelGrid grid;
  int h, w;
  int first_tap, taps;
};

/// Reads source [n, source_h, source_w, depth], writes out [n, out_h, out_w, channels].
struct GatherProblem {
  static constexpr int kMaxTaps = 9;
  static constexpr int kMaxPhases = 4;

  const bfloat16* source;
  const bfloat16* weights;  // [channels, kernel_taps, depth] or [depth, kernel_taps, channels]
  bfloat16* out;
  int source_h, source_w, depth;
  int out_h, out_w, channels;
  int step, out_step;
  int kernel_taps;
  Tap taps[kMaxTaps];
  Phase phases[kMaxPhases];
  int phase_count;
  const bfloat16* addend;  // [n, out_h, out_w, channels] or null; not of kForward
  // Of kForwardMoments alone:
  int group_pixels;  // output pixels of a group
  int chunks;        // of a group, each as many pixels as a tile has rows
  float* moments;    // [groups, chunks, 2, channels]: mean, sum of squared deviations
  // Of kForwardNormalized alone:
  FixedBatchNorm<float> norm;
  bfloat16* sum;  // like out, or null
};

/// What a kernel is compiled for.
enum class GatherPass {
  kForward,
  kForwardMoments,     // out = product + addend, and the moments of that
  kForwardNormalized,  // out = batch_norm(product + addend)
  kBackwardData
};
template <GatherPass kPass>
inline constexpr Runs kWeightsRun =
    kPass == GatherPass::kBackwardData ? Runs::kAcrossDepth : Runs::kAlongDepth;

/// The output pixels of a tile: `first` up to and without `end`, numbered as in the phase's grid.
struct PixelRange {
  int first, end;
};

/// The pixels of a row of tiles. Where moments are taken no tile has pixels of two groups.
template <class Tile, GatherPass kPass>
__device__ __forceinline__ PixelRange pixels_of_tile(const GatherProblem& p, const Phase& phase,
                                                     int row_tile) {
  if constexpr (kPass == GatherPass::kForwardMoments) {
    const int group = row_tile / p.chunks;
    const int top = group * p.group_pixels;
    const int first = top + (row_tile - group * p.chunks) * Tile::kRows;
    return {first, min(first + Tile::kRows, top + p.group_pixels)};
  } else {
    const int first = row_tile * Tile::kRows;
    return {first, min(first + Tile::kRows, phase.grid.count())};
  }
}

/// Brings the slices of a block's tile to shared memory.
template <class Tile, GatherPass kPass>
class GatherLoader {
 public:
  __device__ GatherLoader(const GatherProblem& problem, const Phase& phase, PixelRange pixels,
                          int first_channel)
      : p_(problem), phase_(phase), first_channel_(first_channel) {
    Pixel first_read[kPixels];
#pragma unroll
    for (int i = 0; i < kPixels; ++i) {
      const int index = pixels.first + Tile::filled_row() + i * Tile::kRowsAtOnce;
      const Pixel pixel = phase.grid.at(index);
      const int h = pixel.h * p_.step, w = pixel.w * p_.step;
      offset_[i] = ((pixel.n * p_.source_h + h) * p_.source_w + w) * p_.depth;
      // A pixel beyond the last reads from outside of any image.
      first_read[i] = {pixel.n, index < pixels.end ? h : kNowhere, w};
      taps_inside_[i] = 0;
    }
#pragma unroll 1
    for (int t = 0; t < phase.taps; ++t) {
      const Tap tap = p_.taps[phase.first_tap + t];
#pragma unroll
      for (int i = 0; i < kPixels; ++i) {
        const bool is_inside = is_below(first_read[i].h + tap.h, p_.source_h) &&
                               is_below(first_read[i].w + tap.w, p_.source_w);
        taps_inside_[i] |= (is_inside ? 1u : 0u) << t;
      }
    }
  }

  __device__ int slices() const {
    return phase_.taps * ((p_.depth + kDepth - 1) / kDepth);
  }

  /// Queues the copies of the next slice.
  __device__ void operator()(unsigned char* stage) {
    const Tap& tap = p_.taps[phase_.first_tap + tap_];
    load_pixels(stage, tap);
    load_weights(stage + Tile::kRows * kRowBytes, tap);
    if (++tap_ < phase_.taps) return;
    tap_ = 0;
    depth_ += kDepth;
  }

 private:
  static constexpr int kNowhere = -(1 << 16);
  static constexpr int kPixels = Tile::kRows / Tile::kRowsAtOnce;

  __device__ void load_pixels(unsigned char* a, const Tap& tap) const {
    const int depth = depth_ + Tile::filled_piece() * kPieceValues;
    const int shift = (tap.h * p_.source_w + tap.w) * p_.depth + depth;
    unsigned char* to = a + piece_offset(Tile::filled_row(), Tile::filled_piece());
#pragma unroll
    for (int i = 0; i < kPixels; ++i) {
      copy_async(to + i * Tile::kRowsAtOnce * kRowBytes, p_.source + (offset_[i] + shift),
                 depth < p_.depth && (taps_inside_[i] >> tap_ & 1u) != 0);
    }
  }

  __device__ void load_weights(unsigned char* b, const Tap& tap) const {
    const int row = Tile::filled_row(), value = Tile::filled_piece() * kPieceValues;
    unsigned char* to = b + piece_offset(row, Tile::filled_piece());
    if constexpr (kWeightsRun<kPass> == Runs::kAlongDepth) {
      const int channel = first_channel_ + row, depth = depth_ + value;
      const int pitch = p_.kernel_taps * p_.depth;
      const bfloat16* from = p_.weights + (channel * pitch + tap.weights * p_.depth + depth);
#pragma unroll
      for (int i = 0; i < Tile::kColumns; i += Tile::kRowsAtOnce) {
        copy_async(to + i * kRowBytes, from + i * pitch,
                   depth < p_.depth && channel + i < p_.channels);
      }
    } else {
      const int channel = first_channel_ + value, depth = depth_ + row;
      const int pitch = p_.kernel_taps * p_.channels;
      const bfloat16* from = p_.weights + (depth * pitch + tap.weights * p_.channels + channel);
#pragma unroll
      for (int panel = 0; panel < Tile::kColumns; panel += kRowValues) {
#pragma unroll
        for (int i = 0; i < kDepth; i += Tile::kRowsAtOnce) {
          copy_async(to + (panel / kRowValues * kDepth + i) * kRowBytes, from + (i * pitch + panel),
                     depth + i < p_.depth && channel + panel < p_.channels);
        }
      }
    }
  }

  const GatherProblem& p_;
  const Phase& phase_;
  int first_channel_;
  int tap_ = 0, depth_ = 0;        // of the next slice
  int offset_[kPixels];            // of the pixel, in the source
  unsigned taps_inside_[kPixels];  // a bit for each tap that reads from inside of the image
};

}  // namespace bptplr::kernels
