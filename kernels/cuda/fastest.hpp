// Choices by measurement, for where one computation can be done in several ways.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <mutex>

#include "kernels/cuda/timer.hpp"

namespace bptplr::kernels {

/// Remembers which way was the fastest for each Key.
template <class Key>
class Fastest {
 public:
  /// Runs the fastest of way(0), ..., way(ways - 1). All are timed on the actual arrays at the
  /// first call of each key; from then on the choice stands.
  void run(const CudaContext& ctx, const Key& key, int ways, const std::function<void(int)>& way) {
    const std::lock_guard lock(mutex_);
    auto choice = choices_.find(key);
    if (choice == choices_.end()) choice = choices_.emplace(key, measure(ctx, ways, way)).first;
    way(choice->second);
  }

 private:
  static constexpr int kTimedRuns = 3;

  static int measure(const CudaContext& ctx, int ways, const std::function<void(int)>& way) {
    Timer timer(stream_of(ctx));
    float best = std::numeric_limits<float>::infinity();
    int fastest = 0;
    for (int i = 0; i < ways; ++i) {
      way(i);  // code is loaded, and libraries make choices of their own, the first time
      const float passed = timer.milliseconds([&] {
        for (int run = 0; run < kTimedRuns; ++run) way(i);
      });
      if (passed >= best) continue;
      best = passed;
      fastest = i;
    }
    return fastest;
  }

  std::mutex mutex_;
  std::map<Key, int> choices_;
};

}  // namespace bptplr::kernels
