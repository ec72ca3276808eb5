// Values that depend on the epoch: schedules in text fields, and the learning rate.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Entry of a schedule: from `epoch` on the value is `value`.
struct ScheduleEntry {
  std::int64_t epoch = 0;
  double value = 0.0;
};

/// Parses "EPOCH:VALUE,..." with ascending epochs, e.g. kappa or lr_steps. Throws Error naming
/// `field`.
std::vector<ScheduleEntry> parse_schedule(std::string_view text, std::string_view field);

/// Returns the value of the last entry that `epoch` has reached; `before` if there is none.
double scheduled(const std::vector<ScheduleEntry>& schedule, std::int64_t epoch, double before);

/// Replaces each "PERCENT%:VALUE" of a schedule by the epoch it amounts to, rounded down.
std::string resolve_percentages(std::string_view schedule, std::string_view field,
                                std::int64_t num_epochs);

/// Returns the learning rate of an epoch, counted from 0, for a resolved recipe.
double learning_rate(const Recipe& recipe, std::int64_t epoch);

}  // namespace bptplr
