// Ctrl-C and the signals of job schedulers, as a wish that training ends where it can go on later.
#pragma once

namespace bptplr {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP (a terminal that is closed; not under nohup)
/// is noted instead of ending the process; a second one ends it at once. There is one at a time.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  bool received() const;
};

}  // namespace bptplr
