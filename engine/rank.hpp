// The check with which most functions on tensors begin.
#pragma once

#include <cstddef>

#include "engine/error.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// Throws Error unless x has `rank` axes; `function` is who asks.
inline void require_rank(const Tensor& x, std::size_t rank, const char* function) {
  require(x.shape().size() == rank, "{} needs a tensor of {} axes, not one of shape {}", function,
          rank, to_string(x.shape()));
}

}  // namespace bptplr
