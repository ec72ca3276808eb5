// Says how long a run will take, and what would make it shorter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/run_time.hpp"
#include "bpt_plr/train/trainer.hpp"

namespace bptplr {

/// What an estimate is based on.
enum class TimeBasis {
  kFirstIteration,   ///< which may be slower than others
  kFirstIterations,  ///< of the warm-up, from which later epochs follow
  kMeasured          ///< iterations after the warm-up, or of a baseline
};

struct TimeEstimate {
  TimeLeft left;
  TimeBasis basis = TimeBasis::kMeasured;
  bool is_first = true;  ///< of this call
};

/// Decides when to say the time of the run: once the first iterations are done, where each takes
/// long the first, and again in the first epoch after a warm-up.
class TimeNotice {
 public:
  explicit TimeNotice(const Recipe& recipe)
      : divides_(divides(recipe)), on_cpu_(recipe.device == DeviceChoice::kCpu) {}
  /// Returns the estimate if it is time to say it.
  std::optional<TimeEstimate> due(const RunTime& time, const Progress& now);

 private:
  bool divides_;
  bool on_cpu_;  ///< a GPU's first iteration, in which it times kernels, says nothing of others
  std::optional<TimeBasis> said_;
  double said_seconds_ = 0.0;  ///< of the whole run
};

/// Returns a sentence: "about 3 h 20 min for 300 epochs, of which ..."; the epochs of a `resumed`
/// run are those left.
std::string time_sentence(const TimeEstimate& estimate, bool resumed);

/// Returns a sentence on what would make a run shorter, of the fields that this one could change;
/// a run that is `resumed` cannot change most. Empty if nothing would.
std::string shorter_sentence(const Recipe& recipe, std::int64_t train_images, bool resumed);

inline constexpr double kDaySeconds = 24.0 * 3600.0;

}  // namespace bptplr
