// Ranks of a group that watches itself: in this process, or in processes that a test can kill.
#pragma once

#include <omp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/communicator/supervision.hpp"

namespace bptplr {

using namespace std::chrono_literals;

/// Longer than anything takes on a loaded machine.
constexpr auto kLong = 60s;
/// Nobody is taken for silent, however loaded the machine is.
constexpr SupervisionOptions kPatient = {.interval = 20ms, .patience = 60s, .connect_timeout = 60s};
/// A process that is stopped is noticed in under a second.
constexpr SupervisionOptions kImpatient = {
    .interval = 50ms, .patience = 700ms, .connect_timeout = 60s};

inline std::vector<std::string> names_of_ranks(int size) {
  std::vector<std::string> names(static_cast<std::size_t>(size));
  for (int rank = 0; std::string & name : names) {
    name = "rank " + std::to_string(rank++) + " (x)";
  }
  return names;
}

/// Rank in this process: what it hears of losses.
class ThreadRank {
 public:
  ThreadRank(SupervisionPort port, int size, const SupervisionOptions& options) {
    membership_.emplace(std::move(port), names_of_ranks(size), listener(), options);
  }
  ThreadRank(int rank, const std::string& endpoint, int size, const SupervisionOptions& options) {
    membership_.emplace(rank, endpoint, names_of_ranks(size), listener(), options);
  }

  Supervision& membership() { return *membership_; }
  void end() { membership_.reset(); }
  /// Returns all that it has heard, once that is something; "" if it is nothing for long.
  std::string wait_for_loss() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLong, [&] { return !heard_.empty(); });
    return heard_;
  }
  std::string heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  Supervision::OnLost listener() {
    return [this](const std::string& sentence) {
      const std::lock_guard lock(mutex_);
      heard_ += sentence;
      changed_.notify_all();
    };
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string heard_;
  std::optional<Supervision> membership_;  // last: its thread ends before what it uses
};

/// Ranks 0 and the others given of a group, in this process.
inline std::vector<std::unique_ptr<ThreadRank>> ranks_here(SupervisionPort port,
                                                           const std::vector<int>& others, int size,
                                                           const SupervisionOptions& options) {
  const std::string endpoint = port.endpoint();
  std::vector<std::unique_ptr<ThreadRank>> ranks;
  ranks.push_back(std::make_unique<ThreadRank>(std::move(port), size, options));
  for (const int rank : others) {
    ranks.push_back(std::make_unique<ThreadRank>(rank, endpoint, size, options));
  }
  return ranks;
}

/// Rank in a process of its own. Make these before there are threads in the test's process.
class ProcessRank {
 public:
  /// `begin` makes the membership of the process; what it is given is called with a loss.
  using Begin = std::function<std::unique_ptr<Supervision>(Supervision::OnLost)>;

  explicit ProcessRank(const Begin& begin) {
    if (::pipe(says_.data()) != 0 || ::pipe(asks_.data()) != 0) return;
    process_ = ::fork();
    if (process_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run(begin);
    ::_exit(0);
  }
  /// Any rank but 0.
  ProcessRank(int rank, const std::string& endpoint, int size, const SupervisionOptions& options)
      : ProcessRank([=](Supervision::OnLost on_lost) {
          return std::make_unique<Supervision>(rank, endpoint, names_of_ranks(size),
                                               std::move(on_lost), options);
        }) {}
  ProcessRank(const ProcessRank&) = delete;
  ProcessRank& operator=(const ProcessRank&) = delete;
  ~ProcessRank() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
    for (const int end : {says_[0], says_[1], asks_[0], asks_[1]}) ::close(end);
  }

  void send(int signal) const { ::kill(process_, signal); }
  /// Waits until it takes part.
  bool is_in() { return line() == "in"; }
  /// Asks it to leave and returns whether it did, and its loss or "".
  std::string leave() {
    if (::write(asks_[1], "x", 1) != 1) return "no pipe";
    return line();
  }
  /// Returns the next line it says; "nothing" if that takes long.
  std::string line() {
    std::string text;
    for (char letter = 0; true; text += letter) {
      pollfd wanted = {says_[0], POLLIN, 0};
      constexpr int kMilliseconds = std::chrono::milliseconds(kLong).count();
      if (::poll(&wanted, 1, kMilliseconds) != 1) return "nothing";
      if (::read(says_[0], &letter, 1) != 1) return "nothing";
      if (letter == '\n') return text;
    }
  }

 private:
  void say(const std::string& text) const {
    [[maybe_unused]] const auto size = ::write(says_[1], (text + '\n').data(), text.size() + 1);
  }
  void run(const Begin& begin) const {
    omp_set_num_threads(1);  // the threads of the parent are not here
    try {
      const auto membership = begin([this](const std::string& sentence) { say(sentence); });
      say("in");
      char asked = 0;
      if (::read(asks_[0], &asked, 1) == 1) membership->leave();
      say("left");
    } catch (const std::exception& error) {
      say(error.what());
    }
  }

  std::array<int, 2> says_ = {-1, -1};
  std::array<int, 2> asks_ = {-1, -1};
  pid_t process_ = -1;
};

}  // namespace bptplr
