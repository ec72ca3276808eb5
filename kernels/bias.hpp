// Bias of a convolution: a value for each channel, added to activations.
//
// T: float; double on a CPU; bfloat16 on a GPU, computed in float and rounded once.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/context.hpp"

namespace bptplr::kernels {

/// Adds bias [channels] to every row of y [rows, channels].
template <class Context, class T>
void add_bias(const Context& ctx, std::int64_t rows, std::int64_t channels, const StatOf<T>* bias,
              T* y);
/// Computes dbias [channels] = sum over the rows of dy [rows, channels]; zeros without rows.
template <class Context, class T>
void bias_gradient(const Context& ctx, std::int64_t rows, std::int64_t channels, const T* dy,
                   StatOf<T>* dbias);

}  // namespace bptplr::kernels
