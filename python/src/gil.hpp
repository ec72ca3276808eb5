// Runs without the interpreter's lock.
#pragma once

#include <cxxabi.h>
#include <nanobind/nanobind.h>
#include <unistd.h>

namespace bptplr::python {

/// Gives the interpreter's lock to other threads while it lives. At its end the interpreter exits
/// every other thread that asks for the lock, by unwinding its frames, which nanobind does not
/// allow and which would free objects without the lock: such a thread waits for the process to end.
class GilReleased {
 public:
  GilReleased() : state_(PyEval_SaveThread()) {}
  ~GilReleased() {
    try {
      PyEval_RestoreThread(state_);
    } catch (const abi::__forced_unwind&) {
      for (;;) ::pause();
    }
  }
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

 private:
  PyThreadState* state_;
};

/// Holds the interpreter's lock while it lives, in a thread that has given it away.
class GilHeld {
 public:
  GilHeld() {
    try {
      state_ = PyGILState_Ensure();
    } catch (const abi::__forced_unwind&) {
      for (;;) ::pause();  // as in GilReleased
    }
  }
  ~GilHeld() { PyGILState_Release(state_); }
  GilHeld(const GilHeld&) = delete;
  GilHeld& operator=(const GilHeld&) = delete;

 private:
  PyGILState_STATE state_{};
};

/// Runs fn without the interpreter's lock; fn must not touch Python objects.
template <class Fn>
auto without_gil(Fn&& fn) {
  const GilReleased released;
  return fn();
}

}  // namespace bptplr::python
