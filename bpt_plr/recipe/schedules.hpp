// Values that change with the epoch: schedules in text fields, and the learning rate.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// From `epoch` on the value is `value`.
struct ScheduleEntry {
  std::int64_t epoch = 0;
  double value = 0.0;
};

/// Parses "EPOCH:VALUE,..." with rising epochs, e.g. kappa or lr_steps. Throws Error naming
/// `field`.
std::vector<ScheduleEntry> parse_schedule(std::string_view text, std::string_view field);

/// Returns the value of the last entry that `epoch` has reached; `before` ahead of the first.
double scheduled(const std::vector<ScheduleEntry>& schedule, std::int64_t epoch, double before);

/// Replaces each "PERCENT%:VALUE" of a schedule by the epoch that it comes to, rounded down.
std::string resolve_percentages(std::string_view schedule, std::string_view field,
                                std::int64_t num_epochs);

/// Returns the learning rate of an epoch, counted from 0, of a resolved recipe.
double learning_rate(const Recipe& recipe, std::int64_t epoch);

}  // namespace bptplr
