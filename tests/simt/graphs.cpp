// Queued work: run at once, or as late as may be, one thread at a time; or recorded, to run at
// replay.
#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tests/simt/executor.hpp"

/// A stream other than the first one.
struct CUstream_st {
  std::deque<std::function<void()>> waiting;  ///< in order
  std::size_t done = 0;                       ///< calls before those
  std::size_t joined = 0;                     ///< calls that the first stream has waited for
  bool records = false;

  std::size_t queued() const { return done + waiting.size(); }
};

/// What has been queued on a stream.
struct CUevent_st {
  CUstream_st* stream = nullptr;
  std::size_t queued = 0;
  bool recorded = false;  ///< while a graph was
};

namespace bptplr::simt {
namespace {

std::vector<CUstream_st*> streams;  ///< but the first one

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

void run_or_record(std::function<void()> work) {
  if (recorded) {
    recorded->push_back(std::move(work));
  } else {
    run(work);
  }
}

/// Runs or records the first `count` calls of a stream, as far as it has not.
void catch_up_to(CUstream_st& stream, std::size_t count) {
  while (stream.done < count && !stream.waiting.empty()) {
    const auto work = std::move(stream.waiting.front());
    stream.waiting.pop_front();
    ++stream.done;
    run_or_record(work);
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
  for (CUstream_st* stream : streams) {
    if (!std::exchange(stream->records, false)) continue;
    spoilt = spoilt || stream->joined < stream->queued();
    stream->done += stream->waiting.size();
    stream->waiting.clear();
  }
  return spoilt ? std::nullopt : work;
}

void run(const std::function<void()>& work) {
  const OnlyThread thread;
  const OpenMemory open;
  work();
}

void queue(std::function<void()> work) {
  queue(nullptr, std::move(work));
}

CUstream_st* make_stream() {
  static bool has_first = false;
  if (!std::exchange(has_first, true)) return nullptr;
  return streams.emplace_back(new CUstream_st);
}

void destroy_stream(CUstream_st* stream) {
  if (stream == nullptr) return;
  catch_up(stream);
  std::erase(streams, stream);
  delete stream;
}

void queue(CUstream_st* stream, std::function<void()> work) {
  const OnlyThread thread;
  require_recorder();
  if (stream == nullptr) return run_or_record(std::move(work));
  if (recorded && !stream->records) {
    throw Error("work was queued on a stream that does not record, while another does");
  }
  stream->waiting.push_back(std::move(work));
  if (current_schedule() == Schedule::kDescending) catch_up(stream);
}

void catch_up(CUstream_st* stream) {
  const OnlyThread thread;
  if (stream != nullptr) catch_up_to(*stream, stream->queued());
}

CUevent_st* make_event() {
  return new CUevent_st;
}

void destroy_event(CUevent_st* event) {
  delete event;
}

void record_event(CUevent_st* event, CUstream_st* stream) {
  const OnlyThread thread;
  require_recorder();
  const bool records = recorded && (stream == nullptr || stream->records);
  *event = {stream, stream == nullptr ? 0 : stream->queued(), records};
}

void wait_for(CUstream_st* stream, CUevent_st* event) {
  const OnlyThread thread;
  require_recorder();
  if (stream != nullptr && recorded && event->recorded) stream->records = true;
  if (event->stream == nullptr || event->stream == stream) return;
  catch_up_to(*event->stream, event->queued);
  if (stream == nullptr) event->stream->joined = std::max(event->stream->joined, event->queued);
}

void wait_for(CUevent_st* event) {
  const OnlyThread thread;
  if (event->stream != nullptr) catch_up_to(*event->stream, event->queued);
}

}  // namespace bptplr::simt
