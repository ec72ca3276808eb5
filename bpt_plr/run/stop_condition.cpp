#include "bpt_plr/run/stop_condition.hpp"

#include <fmt/format.h>

#include <ratio>

namespace bptplr {

std::string StopCondition::reason() const {
  return is_signalled() ? "a signal" : fmt::format("--max_hours {}", max_hours_);
}

bool StopCondition::time_is_up() const {
  const std::chrono::duration<double, std::ratio<3600>> hours =
      std::chrono::steady_clock::now() - start_;
  return max_hours_ > 0.0 && hours.count() >= max_hours_;
}

}  // namespace bptplr
