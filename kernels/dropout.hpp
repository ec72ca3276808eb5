// Dropout (Srivastava et al., JMLR 2014), scaled in training so that evaluation is the identity.
// The mask is not stored: the backward pass draws it again, and as the function is linear in x, the
// gradient is the same function of dy.
//
// T: float, the same bits on every device; double on a CPU; bfloat16 on a GPU, rounded once.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"
#include "kernels/philox.hpp"

namespace bptplr::kernels {

/// Shape of x [n, pixels, channels]. One draw decides for all pixels of a channel of an image;
/// pixels = 1 drops single values. first + n * channels <= 2^34, the length of a stream.
struct DropoutShape {
  std::int64_t n = 0;
  std::int64_t pixels = 1;
  std::int64_t channels = 0;
  float rate = 0.5F;  ///< share of dropped values or channels, in [0, 1)
  /// Words of the stream before the first: of x that is a part of a batch.
  std::int64_t first = 0;

  std::int64_t draws() const { return n * channels; }
};

/// Computes y = 0 where u < rate, else x / (1 - rate), with u of image i and channel c drawn from
/// word first + i * channels + c of the stream. y may be x.
template <class Context, class T>
void dropout(const Context& ctx, const DropoutShape& shape, const PhiloxStream& stream, const T* x,
             T* y);

}  // namespace bptplr::kernels
