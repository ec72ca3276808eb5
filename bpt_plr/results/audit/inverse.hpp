// The inverse of a matrix of transitions.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace bptplr {

/// Inverts a [n, n] in place by Gauss and Jordan's elimination; false, with a undefined, if a pivot
/// is so small that the inverse is not stable. Calls `alive` now and then, unless it is empty.
bool invert(std::vector<double>& a, std::size_t n, const std::function<void()>& alive = {});

}  // namespace bptplr
