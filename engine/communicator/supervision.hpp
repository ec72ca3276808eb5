// Processes of a group, one a rank, that watch each other, so that none waits for ever in a
// collective operation for one that died, was stopped or cannot be reached any more.
//
// Every process has a thread that exchanges a sign of life with rank 0 each second over a TCP
// connection of its own, independent of what else the processes exchange (MPI). Rank 0 tells all
// others which ranks are lost; whoever loses rank 0 notices by itself. Messages are not encrypted;
// a random key keeps out whoever connects by mistake.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bptplr {

/// Durations of a group, the same on all its ranks.
struct SupervisionOptions {
  std::chrono::milliseconds interval{1'000};          ///< between two signs of life
  std::chrono::milliseconds patience{20'000};         ///< silence after which a rank is lost
  std::chrono::milliseconds connect_timeout{30'000};  ///< for all ranks to have connected
};

/// Port of rank 0, to which the other ranks of its group connect.
class SupervisionPort {
 public:
  /// Opens a free port on all interfaces. Throws Error.
  SupervisionPort();
  SupervisionPort(SupervisionPort&&) noexcept;
  SupervisionPort& operator=(SupervisionPort&&) noexcept;
  ~SupervisionPort();

  /// Returns addresses, port and key as one line of text, to be sent to the other ranks.
  std::string endpoint() const;

 private:
  friend class Supervision;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Returns "rank 2 (process 4711 on node7)" for this process.
std::string rank_name(int rank);

/// Membership of this process in a group that watches itself, with a thread of its own.
class Supervision {
 public:
  /// Is called once at most, from the thread, with a sentence that names the ranks that are lost:
  /// those that died, gave no sign of life, did not connect or reported a failure. The others are
  /// told before. It may end the process; nothing is watched any more after it.
  using OnLost = std::function<void(const std::string& sentence)>;

  /// Begins on rank 0, and does not wait for the others. `names`: rank_name of every rank.
  Supervision(SupervisionPort port, std::vector<std::string> names, OnLost on_lost,
              SupervisionOptions options = {});
  /// Begins on another rank: returns once it is connected to rank 0, throws Error if it cannot
  /// within the time for that.
  Supervision(int rank, const std::string& endpoint, std::vector<std::string> names, OnLost on_lost,
              SupervisionOptions options = {});
  Supervision(const Supervision&) = delete;
  Supervision& operator=(const Supervision&) = delete;
  /// Leaves, or reports a failure where an exception ends the scope.
  ~Supervision();

  /// Ends orderly, after the last operation that others wait in; nobody takes it for a loss. Ranks
  /// may leave in any order. If another rank is lost by then, on_lost may still be called before
  /// this returns. On rank 0 it first waits until all have connected, for their time at most.
  void leave();

  /// Ends because of an error of this rank: on_lost is called on all others, with the sentence, and
  /// not here. Returns when rank 0 (there, when all others) has it, after two intervals at most.
  void report_failure(std::string_view sentence);

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
  int exceptions_;
};

}  // namespace bptplr
