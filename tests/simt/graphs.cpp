// Records work that is queued while a graph is recorded, to run it at replay.
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "tests/simt/executor.hpp"

namespace bptplr::simt {
namespace {

/// Has a value while a graph is recorded.
std::optional<std::vector<std::function<void()>>> recorded;
bool spoilt = false;

}  // namespace

bool is_recording() {
  return recorded.has_value();
}

void begin_recording() {
  recorded.emplace();
  spoilt = false;
}

bool spoil_recording() {
  if (recorded) spoilt = true;
  return recorded.has_value();
}

std::optional<std::vector<std::function<void()>>> end_recording() {
  auto work = std::exchange(recorded, std::nullopt);
  return spoilt ? std::nullopt : work;
}

void queue(std::function<void()> work) {
  if (recorded) {
    recorded->push_back(std::move(work));
  } else {
    work();
  }
}

}  // namespace bptplr::simt
