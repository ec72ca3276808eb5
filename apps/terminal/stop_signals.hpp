// Turns Ctrl-C and the signals of job schedulers into a request to stop where that is in order.
#pragma once

namespace bptplr {

/// Thrown where a signal ends work that cannot be resumed; `main` ends the process by that signal,
/// once files are closed and unfinished ones removed.
struct Interrupted {
  int signal = 0;
};

/// While it exists, records the first SIGINT, SIGTERM, SIGUSR1 (mpirun passes it on) or SIGHUP
/// (closed terminal; not under nohup) instead of ending the process, and says so at once, however
/// long an iteration takes; a second signal ends it at once. Only one may exist at a time.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  bool received() const;
  /// From now on, training is what a signal stops: after an iteration, with a checkpoint.
  void begin_training() const;
  /// From now on, work that ends at once is.
  void end_training() const;
  /// Throws Interrupted if a signal was received.
  void check() const;
};

/// Ends the process by this signal, so that a shell sees its conventional exit status.
[[noreturn]] void end_by_signal(int signal);

}  // namespace bptplr
