// Which of a library's algorithms to take, and how much scratch memory to offer it. No library is
// called here, so that this runs in tests without one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>

#include "kernels/context.hpp"
#include "kernels/device_error.hpp"

namespace bptplr::kernels {

/// What a library says of an algorithm.
struct Algorithm {
  bool works = false;
  std::size_t scratch_bytes = 0;
  bool deterministic = false;
  bool exact = false;  ///< multiplies in the type that was asked for, without rounding the factors
};

/// Returns the number of the algorithm to take, of a list with the best first; nothing where none
/// will do. Those that are deterministic come before the others, which are left out if
/// `only_those`. Those that are not exact are left out, unless the library calls none so: then it
/// has been asked for exact ones, and says it otherwise.
inline std::optional<std::size_t> choose_algorithm(std::span<const Algorithm> algorithms,
                                                   std::size_t scratch_bytes, bool only_those) {
  const auto works = [&](const Algorithm& a) {
    return a.works && a.scratch_bytes <= scratch_bytes;
  };
  const bool some_exact =
      std::ranges::any_of(algorithms, [&](const Algorithm& a) { return works(a) && a.exact; });
  for (const bool deterministic : {true, false}) {
    if (only_those && !deterministic) continue;
    const auto found = std::ranges::find_if(algorithms, [&](const Algorithm& a) {
      return works(a) && (a.exact || !some_exact) && a.deterministic == deterministic;
    });
    if (found != algorithms.end()) return static_cast<std::size_t>(found - algorithms.begin());
  }
  return std::nullopt;
}

/// Calls fn(memory, bytes) with `most` bytes of scratch memory or, where the GPU has not so much
/// left, a quarter of that, and so on to none.
template <class Fn>
void with_scratch(const CudaContext& ctx, std::size_t most, Fn&& fn) {
  constexpr std::size_t kLeast = 1 << 20;
  for (std::size_t bytes = most; bytes >= kLeast; bytes /= 4) {
    void* memory = nullptr;
    try {
      memory = ctx.workspace->reserve(bytes);
    } catch (const OutOfDeviceMemory&) {
      continue;
    }
    return fn(memory, bytes);
  }
  fn(nullptr, std::size_t{0});
}

}  // namespace bptplr::kernels
