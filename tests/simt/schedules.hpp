// Checks that the executor reveals a mistake planted in a kernel.
#pragma once

#include <vector>

#include "tests/simt/executor.hpp"

namespace bptplr {

/// Returns whether run() -> vector<int> differs from `right` under some schedule.
template <class Run>
bool some_schedule_shows(const std::vector<int>& right, Run&& run) {
  bool shown = false;
  for (const auto schedule :
       {simt::Schedule::kAscending, simt::Schedule::kDescending, simt::Schedule::kShuffled}) {
    simt::set_schedule(schedule);
    shown = shown || run() != right;
  }
  simt::set_schedule(simt::Schedule::kAscending);
  return shown;
}

}  // namespace bptplr
