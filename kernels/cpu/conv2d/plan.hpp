// Plans of oneDNN for one pass of a convolution over one chunk of images, on one thread.
#pragma once

#include <compare>
#include <cstddef>
#include <dnnl.hpp>

#include "kernels/cpu/conv2d/onednn_conv2d.hpp"

namespace bptplr::kernels::onednn {

enum class Pass { kForward, kBackwardData, kBackwardWeights };

/// What is computed, and in which precision.
struct PassOf {
  Pass pass;
  Factors factors;

  auto operator<=>(const PassOf&) const = default;  // NOLINT(modernize-use-nullptr)
};

const dnnl::engine& host_engine();

/// A tensor of a plan: how the caller lays it out, how the primitive wants it, and the conversion.
struct Operand {
  dnnl::memory::desc user;
  dnnl::memory::desc native;
  dnnl::reorder convert;  // to native for an input, to user for an output; empty if they agree

  bool same() const { return user == native; }
  /// Bytes of scratch for the native copy, rounded to a cache line.
  std::size_t bytes() const { return same() ? 0 : round_up(native.get_size()); }
  static std::size_t round_up(std::size_t bytes) { return (bytes + 63) / 64 * 64; }
};

/// What it takes to run one pass over one chunk of images.
struct Plan {
  dnnl::primitive primitive;
  dnnl::memory::desc scratchpad;
  Operand x, w, y;  // gradients have the layout of what they are the gradient of
  Conv2dShape shape;
};

/// A 1x1 convolution with a stride reads only every stride-th pixel. Those are copied together and
/// convolved with stride 1: where oneDNN 2.6 skips the pixels itself it writes past its scratchpad
/// (AVX2, channels that are no multiple of 8).
inline bool reads_a_grid(const Conv2dShape& s) {
  return s.kernel == 1 && s.padding == 0 && s.stride > 1;
}

/// Returns the plan of a pass; it is made once a shape and kept for the life of the process.
const Plan& cached_plan(const PassOf& of, const Conv2dShape& shape);

dnnl::reorder make_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to);

}  // namespace bptplr::kernels::onednn
