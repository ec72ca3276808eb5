// Turns Ctrl-C and the signals of job schedulers into a request to stop where training can resume.
#pragma once

namespace bptplr {

/// While it exists, records the first SIGINT, SIGTERM or SIGHUP (closed terminal; not under nohup)
/// instead of ending the process; a second signal ends it at once. Only one may exist at a time.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();

  bool received() const;
};

}  // namespace bptplr
