#include "bpt_plr/recipe/schedules.hpp"

#include <fmt/ranges.h>

#include <cmath>

#include "bpt_plr/recipe/text.hpp"
#include "engine/error.hpp"
#include "engine/optimizer.hpp"

namespace bptplr {

std::vector<ScheduleEntry> parse_schedule(std::string_view text, std::string_view field) {
  std::vector<ScheduleEntry> schedule;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t colon = part.find(':');
    ScheduleEntry entry;
    require(colon != std::string_view::npos && parse_number(part.substr(0, colon), entry.epoch) &&
                parse_number(part.substr(colon + 1), entry.value) && std::isfinite(entry.value),
            "{} is '{}', but must be EPOCH:VALUE pairs with commas between them, e.g. 0:3,40:2",
            field, text);
    require(entry.epoch >= (schedule.empty() ? 0 : schedule.back().epoch + 1),
            "{} is '{}', but its epochs must rise from 0 or later", field, text);
    schedule.push_back(entry);
  }
  return schedule;
}

std::string resolve_percentages(std::string_view schedule, std::string_view field,
                                std::int64_t num_epochs) {
  std::vector<std::string> entries;
  for (const std::string_view part : split(schedule, ',')) {
    const std::size_t sign = part.find("%:");
    double percent = 0.0;
    if (sign == std::string_view::npos) {
      entries.emplace_back(part);
      continue;
    }
    require(parse_number(part.substr(0, sign), percent) && percent >= 0.0 && percent <= 100.0,
            "{} is '{}', but a percentage in it must lie in [0, 100]", field, schedule);
    const auto epoch = static_cast<std::int64_t>(percent * static_cast<double>(num_epochs) / 100.0);
    entries.push_back(fmt::format("{}{}", epoch, part.substr(sign + 1)));
  }
  return fmt::format("{}", fmt::join(entries, ","));
}

double scheduled(const std::vector<ScheduleEntry>& schedule, std::int64_t epoch, double before) {
  double value = before;
  for (const ScheduleEntry& entry : schedule) {
    if (entry.epoch <= epoch) value = entry.value;
  }
  return value;
}

double learning_rate(const Recipe& recipe, std::int64_t epoch) {
  if (recipe.lr_schedule == LrSchedule::kCosine) {
    return cosine_lr(recipe.lr, recipe.lr * recipe.lr_min_factor, static_cast<double>(epoch),
                     static_cast<double>(recipe.lr_period));
  }
  std::vector<LrStep> steps;
  for (const ScheduleEntry& entry : parse_schedule(recipe.lr_steps, "lr_steps")) {
    steps.push_back({static_cast<int>(entry.epoch), entry.value});
  }
  return step_lr(recipe.lr, steps, static_cast<int>(epoch));
}

}  // namespace bptplr
