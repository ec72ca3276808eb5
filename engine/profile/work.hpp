// Computes the work of functions from their shapes, for ranges (engine/profile/range.hpp).
#pragma once

#include <cstdint>

#include "engine/profile/range.hpp"
#include "engine/tensor.hpp"
#include "kernels/conv2d.hpp"
#include "kernels/linear.hpp"

namespace bptplr {

/// Returns the work of reading or writing `values` elements of `type`.
Work moved(std::int64_t values, DType type);

/// Returns the work of any of the three passes of a convolution: 2 n h' w' k kernel^2 c operations,
/// including taps on the padding; x, y and the weights (or their gradients), with activations of
/// `type` and weights of `weight_type`.
Work conv2d_work(const kernels::Conv2dShape& shape, DType type, DType weight_type);

/// Returns the work of `products` matrix products of a fully connected layer: one forward; one
/// backward for the weights and one for x. Each has 2 n in out operations and three matrices.
Work linear_work(const kernels::LinearShape& shape, int products, DType type);

}  // namespace bptplr
