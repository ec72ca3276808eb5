// Runs the built `bptplr` in the background of a test, which interrupts it.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "tests/apps/run_app.hpp"

namespace bptplr {

/// Runs `bptplr ARGUMENTS` in `folder` in the background, with its output in NAMEout.txt and
/// NAMEerr.txt.
class BackgroundApp {
 public:
  BackgroundApp(const TemporaryFolder& folder, const std::string& arguments,
                const std::string& name = "std") {
    std::string command = "exec " BPTPLR_BINARY_DIR "/bptplr ";
    command += arguments;  // GCC 12 warns of nothing in a sum of these
    command += " >" + name + "out.txt 2>" + name + "err.txt </dev/null";
    const std::string where = folder / ".";
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG,
              SIGKILL);  // training must not outlive a killed test
      ::setenv("OMP_WAIT_POLICY", "passive", 1);
      if (::chdir(where.c_str()) == 0) {
        ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
      }
      ::_exit(127);
    }
  }
  BackgroundApp(const BackgroundApp&) = delete;
  BackgroundApp& operator=(const BackgroundApp&) = delete;
  ~BackgroundApp() {
    if (process_ > 0) end(SIGKILL);
  }

  bool is_running() {
    if (process_ <= 0) return false;
    if (::waitpid(process_, &status_, WNOHANG) == process_) process_ = -1;
    return process_ > 0;
  }
  /// Waits until `condition` holds; returns false if the program ends before that.
  bool wait_for(const std::function<bool()>& condition) {
    while (!condition()) {
      if (!is_running()) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return is_running();
  }
  /// Sends the signal to a program that is running.
  void send(int signal) {
    if (is_running()) ::kill(process_, signal);
  }
  /// Waits for the end of the program, a minute at most, and returns its exit code; -1 if it still
  /// runs or a signal ended it.
  int wait_for_exit() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    wait_for([&] { return std::chrono::steady_clock::now() > end; });
    return process_ <= 0 && WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  }
  /// Waits for the end of the program and returns the signal that ended it, 0 if none did.
  int wait_for_signal() {
    if (process_ > 0) ::waitpid(process_, &status_, 0);
    process_ = -1;
    return WIFSIGNALED(status_) ? WTERMSIG(status_) : 0;
  }
  /// Sends the signal and returns the exit code, -1 if the signal ended the program.
  int end(int signal) {
    if (is_running()) {
      ::kill(process_, signal);
      ::waitpid(process_, &status_, 0);
      process_ = -1;
    }
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  }

 private:
  pid_t process_ = -1;
  int status_ = 0;
};

}  // namespace bptplr
