// Choices by measurement, for where one computation can be done in several ways; by rule where
// determinism.hpp asks for that.
#pragma once

#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

#include "kernels/cuda/runtime/timer.hpp"
#include "kernels/determinism.hpp"

namespace bptplr::kernels {

/// Remembers which way was the fastest for each Key.
template <class Key>
class Fastest {
 public:
  /// Runs the fastest of way(0), ..., way(ways - 1), at least one. All are timed on the actual
  /// arrays at the first call of each key; from then on the choice stands. A way that throws
  /// CudaError (a library knows no algorithm for this shape) is not chosen; where all do, the first
  /// one's error is thrown. If is_deterministic(), the first way that does not throw is chosen.
  void run(const CudaContext& ctx, const Key& key, int ways, const std::function<void(int)>& way) {
    const std::lock_guard lock(mutex_);
    const std::pair rule_and_key(is_deterministic(), key);
    auto choice = choices_.find(rule_and_key);
    if (choice == choices_.end()) {
      choice = choices_.emplace(rule_and_key, choose(ctx, ways, way)).first;
    }
    way(choice->second);
  }

 private:
  static constexpr int kTimedRuns = 3;

  static int choose(const CudaContext& ctx, int ways, const std::function<void(int)>& way) {
    float best = std::numeric_limits<float>::infinity();
    int fastest = 0;
    std::exception_ptr failure;
    for (int i = 0; i < ways; ++i) {
      try {
        if (is_deterministic()) {
          way(i);
          return i;
        }
        const float passed = milliseconds(ctx, i, way);
        if (passed >= best) continue;
        best = passed;
        fastest = i;
      } catch (const CudaError&) {
        if (failure == nullptr) failure = std::current_exception();
        cudaGetLastError();  // a library may have left it, and the next launch would report it
      }
    }
    if (best == std::numeric_limits<float>::infinity()) std::rethrow_exception(failure);
    return fastest;
  }

  static float milliseconds(const CudaContext& ctx, int i, const std::function<void(int)>& way) {
    way(i);  // code is loaded, and libraries make choices of their own, the first time
    return Timer(stream_of(ctx)).milliseconds([&] {
      for (int run = 0; run < kTimedRuns; ++run) way(i);
    });
  }

  std::mutex mutex_;
  std::map<std::pair<bool, Key>, int> choices_;
};

}  // namespace bptplr::kernels
