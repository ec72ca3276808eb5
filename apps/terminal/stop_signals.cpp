#include "apps/terminal/stop_signals.hpp"

#include <array>
#include <csignal>

namespace bptplr {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t received_signal = 0;

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

void note(int signal) {
  received_signal = signal;
  set_all(SIG_DFL);
}

}  // namespace

StopSignal::StopSignal() {
  received_signal = 0;
  set_all(note);
}

StopSignal::~StopSignal() {
  set_all(SIG_DFL);
}

bool StopSignal::received() const {
  return received_signal != 0;
}

}  // namespace bptplr
