// Times work on a GPU by its own clock and prints one line of JSON per kernel.
#pragma once

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/memory.hpp"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr {

class KernelTimer {
 public:
  /// Measures every figure as the median of `rounds` rounds of `calls` calls each.
  KernelTimer(Device device, int rounds, int calls)
      : ctx_(cuda_context(device)), device_(device), rounds_(rounds), calls_(calls) {
    for (cudaEvent_t* event : {&begin_, &end_}) {
      kernels::check(cudaEventCreateWithFlags(event, 0), "when an event was made");
    }
  }

  const kernels::CudaContext& context() const { return ctx_; }
  Device device() const { return device_; }

  /// Sets the bandwidth that later kernels are compared with, in bytes per second read and written.
  void set_copy_bandwidth(double bandwidth) { copy_bandwidth_ = bandwidth; }

  /// Returns the seconds of moving `bytes` at the copy bandwidth.
  double copy_seconds(double bytes) const { return bytes / copy_bandwidth_; }

  /// Returns the seconds of a call of fn, which must only queue work. The GPU waits for the host
  /// between calls only if the work is shorter than its launch, which is then measured, as in
  /// training.
  template <class Fn>
  double seconds(Fn&& fn) const {
    fn();  // the first call allocates memory and loads code
    std::vector<double> rounds;
    for (int round = 0; round < rounds_; ++round) {
      kernels::check(cudaEventRecord(begin_, ctx_.stream), "when an event was recorded");
      for (int call = 0; call < calls_; ++call) fn();
      kernels::check(cudaEventRecord(end_, ctx_.stream), "when an event was recorded");
      kernels::check(cudaEventSynchronize(end_), "when a kernel was timed");
      float milliseconds = 0;
      kernels::check(cudaEventElapsedTime(&milliseconds, begin_, end_), "when a kernel was timed");
      rounds.push_back(static_cast<double>(milliseconds) / 1e3 / calls_);
    }
    std::nth_element(rounds.begin(), rounds.begin() + rounds_ / 2, rounds.end());
    return rounds[static_cast<std::size_t>(rounds_ / 2)];
  }

  /// Times fn and prints it. `bytes` is the minimum that it must move (docs/kernels.md); 0: not
  /// bound by memory, so no share is printed.
  template <class Fn>
  void report(const std::string& kernel, const std::string& shape, double bytes, Fn&& fn) const {
    const double time = seconds(fn);
    fmt::print(R"({{"kernel": "{}", "shape": "{}", "us": {:.2f})", kernel, shape, time * 1e6);
    if (bytes > 0) {
      const double bandwidth = bytes / time;
      fmt::print(R"(, "GB_per_s": {:.0f}, "share_of_copy": {:.3f})", bandwidth / 1e9,
                 bandwidth / copy_bandwidth_);
    }
    fmt::print("}}\n");
    std::fflush(stdout);
  }

  /// Times fn and prints it as a share of its lower bound.
  template <class Fn>
  void report_beside_floor(const std::string& kernel, const std::string& shape, double operations,
                           double floor_seconds, Fn&& fn) const {
    const double time = seconds(fn);
    fmt::print(R"({{"kernel": "{}", "shape": "{}", "us": {:.2f}, "TFLOP_per_s": {:.1f}, )"
               R"("floor_us": {:.2f}, "share_of_floor": {:.3f}}})"
               "\n",
               kernel, shape, time * 1e6, operations / time / 1e12, floor_seconds * 1e6,
               floor_seconds / time);
    std::fflush(stdout);
  }

 private:
  const kernels::CudaContext& ctx_;
  Device device_;
  int rounds_;
  int calls_;
  double copy_bandwidth_ = 0;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

}  // namespace bptplr
