#include "engine/communicator/supervision.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "engine/communicator/watch.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Blocks all signals for the threads that begin in a scope, so that the main thread gets them.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;
  ~WithoutSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

/// Returns the group, with durations that can be waited for.
WatchedGroup checked(int rank, std::vector<std::string> names, const SupervisionOptions& options) {
  require(rank >= 0 && static_cast<std::size_t>(rank) < names.size(),
          "rank {} is none of a group of {}", rank, names.size());
  require(options.interval.count() > 0 && options.patience > options.interval &&
              options.connect_timeout.count() > 0,
          "a supervision needs an interval of at least 1 ms, a patience above it and a time to "
          "connect");
  return {rank, std::move(names), options};
}

}  // namespace

struct SupervisionPort::Parts {
  Endpoint endpoint;
  Descriptor port = open_port(endpoint);
};

SupervisionPort::SupervisionPort() : parts_(std::make_unique<Parts>()) {}
SupervisionPort::SupervisionPort(SupervisionPort&&) noexcept = default;
SupervisionPort& SupervisionPort::operator=(SupervisionPort&&) noexcept = default;
SupervisionPort::~SupervisionPort() = default;

std::string SupervisionPort::endpoint() const {
  return endpoint_text(parts_->endpoint);
}

std::string rank_name(int rank) {
  std::array<char, 256> host{};
  const bool known = ::gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0';
  return fmt::format("rank {} (process {} on {})", rank, ::getpid(),
                     known ? quotable(host.data()) : "a host without a name");
}

/// The thread, and what the program and it share.
class Supervision::Thread {
 public:
  /// What watches: it returns the sentence about what is lost.
  using Watch = std::function<std::string(const WatchedGroup&, const EndWish&)>;

  Thread(WatchedGroup group, OnLost on_lost, Watch watch)
      : group_(std::move(group)), on_lost_(std::move(on_lost)), watch_(std::move(watch)) {
    const WithoutSignals scope;
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
      throw Error(
          "cannot start the thread that watches other processes: {}; raise the limit of "
          "processes (ulimit -u)",
          error.what());
    }
  }

  void end(EndWish::Kind kind, std::string_view sentence = {}) {
    wish_.set(kind, sentence);
    // on_lost may end a scope by what it does: the thread cannot wait for itself.
    if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) thread_.join();
  }

 private:
  void run() noexcept {
    std::string lost;
    try {
      lost = watch_(group_, wish_);
    } catch (const std::exception& error) {
      lost = failure(error);
    }
    if (lost.empty() || wish_.kind() == EndWish::Kind::kFail || !on_lost_) return;
    try {
      on_lost_(lost);
    } catch (...) {  // nothing is left to be done about it
      return;
    }
  }

  /// Returns what to say when this process can watch no longer; the others see it as lost.
  std::string failure(const std::exception& error) const noexcept try {
    return fmt::format("{} cannot watch the others any more: {}",
                       group_.names.at(static_cast<std::size_t>(group_.rank)), error.what());
  } catch (...) {
    return "out of memory";
  }

  WatchedGroup group_;
  OnLost on_lost_;
  Watch watch_;
  EndWish wish_;
  std::thread thread_;
};

Supervision::Supervision(SupervisionPort port, std::vector<std::string> names, OnLost on_lost,
                         SupervisionOptions options)
    : exceptions_(std::uncaught_exceptions()) {
  require(port.parts_ != nullptr, "the port of a supervision can be used only once");
  auto parts = std::shared_ptr<SupervisionPort::Parts>(std::move(port.parts_));
  const auto watch = [parts](const WatchedGroup& group, const EndWish& wish) {
    return watch_as_leader(group, std::move(parts->port), parts->endpoint.key, wish);
  };
  thread_ =
      std::make_unique<Thread>(checked(0, std::move(names), options), std::move(on_lost), watch);
}

Supervision::Supervision(int rank, const std::string& endpoint, std::vector<std::string> names,
                         OnLost on_lost, SupervisionOptions options)
    : exceptions_(std::uncaught_exceptions()) {
  WatchedGroup group = checked(rank, std::move(names), options);
  auto link = std::make_shared<Link>(join_group(group, parse_endpoint(endpoint)));
  const auto watch = [link](const WatchedGroup& of, const EndWish& wish) {
    return watch_as_member(of, std::move(*link), wish);
  };
  thread_ = std::make_unique<Thread>(std::move(group), std::move(on_lost), watch);
}

Supervision::~Supervision() {
  if (std::uncaught_exceptions() > exceptions_) {
    thread_->end(EndWish::Kind::kFail, "an error ended it; look at what it printed");
  } else {
    thread_->end(EndWish::Kind::kLeave);
  }
}

void Supervision::leave() {
  thread_->end(EndWish::Kind::kLeave);
}

void Supervision::report_failure(std::string_view sentence) {
  thread_->end(EndWish::Kind::kFail, sentence);
}

}  // namespace bptplr
