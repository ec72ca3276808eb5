// Shape checks at the start of most functions on tensors.
#pragma once

#include <cstddef>

#include "engine/error.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// Throws Error unless x has `rank` axes; `function` is the name of the caller.
inline void require_rank(const Tensor& x, std::size_t rank, const char* function) {
  require(x.shape().size() == rank, "{} needs a tensor of {} axes, not one of shape {}", function,
          rank, to_string(x.shape()));
}

/// Throws Error unless x is a matrix with at least one column.
inline void require_matrix(const Tensor& x, const char* function) {
  require(x.shape().size() == 2 && x.size(1) > 0, "{} needs a matrix, not a tensor of shape {}",
          function, to_string(x.shape()));
}

/// Throws Error unless both have the same shape.
inline void require_same_shape(const Tensor& a, const Tensor& b, const char* function) {
  require(a.shape() == b.shape(), "{} needs equal shapes, not {} and {}", function,
          to_string(a.shape()), to_string(b.shape()));
}

}  // namespace bptplr
