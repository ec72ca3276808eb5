#include "apps/terminal/stop_signals.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "apps/terminal/terminal.hpp"

namespace bptplr {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGUSR1};
/// A line that is being drawn stays above the sentence.
constexpr std::string_view kStopsTraining =
    "\nbptplr: stopping after this iteration; once more ends at once\n";
constexpr std::string_view kStopsOtherWork = "\nbptplr: stopping; once more ends at once\n";

volatile std::sig_atomic_t received_signal = 0;
volatile std::sig_atomic_t is_training = 0;
volatile std::sig_atomic_t is_silent = 0;    ///< on a rank for which another one speaks
volatile std::sig_atomic_t draws_lines = 0;  ///< whether stderr is a terminal

void set_all(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // interrupted reads and writes continue
  for (const int signal : kSignals) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    // nohup ignores SIGHUP, which must stay so.
    if (signal == SIGHUP && now.sa_handler == SIG_IGN) continue;
    sigaction(signal, &action, nullptr);
  }
}

void say_so() {
  std::string_view text = is_training != 0 ? kStopsTraining : kStopsOtherWork;
  if (draws_lines == 0) text.remove_prefix(1);
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

/// Calls only what POSIX allows in a handler of signals.
void note(int signal) {
  const int error = errno;
  received_signal = signal;
  set_all(SIG_DFL);
  if (is_silent == 0) say_so();
  errno = error;
}

}  // namespace

StopSignal::StopSignal() {
  received_signal = 0;
  is_training = 0;
  is_silent = prints_errors_only() ? 1 : 0;
  draws_lines = isatty(STDERR_FILENO);
  set_all(note);
}

StopSignal::~StopSignal() {
  set_all(SIG_DFL);
}

bool StopSignal::received() const {
  return received_signal != 0;
}

void StopSignal::begin_training() const {
  is_training = 1;
}

void StopSignal::end_training() const {
  is_training = 0;
}

void StopSignal::check() const {
  if (received()) throw Interrupted{received_signal};
}

void end_by_signal(int signal) {
  std::signal(signal, SIG_DFL);
  static_cast<void>(std::raise(signal));
  std::_Exit(128 + signal);  // where the signal is blocked
}

}  // namespace bptplr
