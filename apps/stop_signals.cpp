#include "apps/stop_signals.hpp"

#include <array>
#include <csignal>

namespace bptplr {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};
volatile std::sig_atomic_t received_signal = 0;

void note(int signal) {
  received_signal = signal;
  for (const int other : kSignals) std::signal(other, SIG_DFL);
}

}  // namespace

StopSignal::StopSignal() {
  received_signal = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;  // what is being read or written goes on
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
}

StopSignal::~StopSignal() {
  for (const int signal : kSignals) std::signal(signal, SIG_DFL);
}

bool StopSignal::received() const {
  return received_signal != 0;
}

}  // namespace bptplr
