// For tests that plant a mistake in a kernel: does the executor show it?
#pragma once

#include <vector>

#include "tests/simt/executor.hpp"

namespace bptplr {

/// Whether run() -> vector<int> gives something else than `right` under some schedule.
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
