// What the thread of a supervision does, on rank 0 and on the others.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "engine/communicator/endpoint.hpp"
#include "engine/communicator/link.hpp"
#include "engine/communicator/supervision.hpp"

namespace bptplr {

/// What a thread knows of its group.
struct WatchedGroup {
  int rank = 0;
  std::vector<std::string> names;
  SupervisionOptions options;

  int size() const { return static_cast<int>(names.size()); }
  /// Returns how long the end of a connection is waited for, so that what was sent arrives.
  std::chrono::milliseconds parting() const { return 2 * options.interval; }
};

/// How the program wants its thread to end; set by one thread, waited for by another.
class EndWish {
 public:
  enum class Kind { kNone, kLeave, kFail };

  /// Throws Error where the system has no more descriptors.
  EndWish();
  /// Sets it, unless it is set, and wakes whoever polls.
  void set(Kind kind, std::string_view sentence = {});
  Kind kind() const;
  std::string sentence() const;
  /// Returns what can be read from once it is set.
  int descriptor() const { return event_.get(); }

 private:
  Descriptor event_;
  mutable std::mutex mutex_;
  Kind kind_ = Kind::kNone;
  std::string sentence_;
};

/// Time in which this process was able to notice others: time in which it was itself stopped or
/// starved does not count, or it would take all others for silent afterwards.
class AwakeClock {
 public:
  using Duration = std::chrono::steady_clock::duration;

  /// `most`: as much counts between two turns.
  explicit AwakeClock(Duration most) : most_(most) {}
  /// Returns the time until now; to be called at every turn.
  Duration turn();
  Duration now() const { return now_; }

 private:
  Duration most_;
  Duration now_{0};
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// Connects to rank 0, by whichever of its addresses answers first with the key. Throws Error
/// naming those tried.
Link join_group(const WatchedGroup& group, const Endpoint& endpoint);

/// Watches until the wish is set or a rank is lost. Returns the sentence about what was lost, which
/// the others have been told, and "" for an orderly end.
std::string watch_as_leader(const WatchedGroup& group, Descriptor port, const std::string& key,
                            const EndWish& wish);
std::string watch_as_member(const WatchedGroup& group, Link link, const EndWish& wish);

}  // namespace bptplr
