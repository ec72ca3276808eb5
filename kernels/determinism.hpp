// Whether a run must have the same bits in every process.
#pragma once

#include <atomic>

namespace bptplr::kernels {

inline std::atomic<bool> deterministic_setting = false;

/// Lets a GPU choose by rule among ways to compute that may round differently, from the next call
/// on: our kernels before the libraries', and of each the first. Otherwise it takes the fastest
/// that it measures. A CPU has no such choice.
inline void set_deterministic(bool value) {
  deterministic_setting = value;
}
inline bool is_deterministic() {
  return deterministic_setting;
}

}  // namespace bptplr::kernels
