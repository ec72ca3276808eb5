// Queued work: run at once, one thread at a time, or recorded, to run at replay.
#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tests/simt/executor.hpp"

namespace bptplr::simt {
namespace {

/// Has a value while a graph is recorded.
std::optional<std::vector<std::function<void()>>> recorded;
bool spoilt = false;
std::thread::id recorder;

/// While it lives, another thread's work is a mistake: the stream and its scratch memory are
/// shared, so the backend has to keep threads apart.
class OnlyThread {
 public:
  OnlyThread() {
    if (depth_++ > 0) return;
    if (!runs_.exchange(true)) return;
    --depth_;
    throw Error("two threads use the device at the same time");
  }
  OnlyThread(const OnlyThread&) = delete;
  OnlyThread& operator=(const OnlyThread&) = delete;
  ~OnlyThread() {
    if (--depth_ == 0) runs_ = false;
  }

 private:
  inline static thread_local int depth_ = 0;  // work may queue more
  inline static std::atomic<bool> runs_ = false;
};

void require_recorder() {
  if (recorded && recorder != std::this_thread::get_id()) {
    throw Error("a thread used the device while another recorded a graph");
  }
}

}  // namespace

bool is_recording() {
  return recorded.has_value();
}

void begin_recording() {
  const OnlyThread thread;
  recorded.emplace();
  recorder = std::this_thread::get_id();
  spoilt = false;
}

bool spoil_recording() {
  const OnlyThread thread;
  require_recorder();
  if (recorded) spoilt = true;
  return recorded.has_value();
}

std::optional<std::vector<std::function<void()>>> end_recording() {
  const OnlyThread thread;
  auto work = std::exchange(recorded, std::nullopt);
  return spoilt ? std::nullopt : work;
}

void run(const std::function<void()>& work) {
  const OnlyThread thread;
  const OpenMemory open;
  work();
}

void queue(std::function<void()> work) {
  const OnlyThread thread;
  require_recorder();
  if (recorded) {
    recorded->push_back(std::move(work));
  } else {
    run(work);
  }
}

}  // namespace bptplr::simt
