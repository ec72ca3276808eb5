// Measures the time of the steps of a semi-supervised epoch (bpt_plr/README.md) on random images
// and outputs and compares it with hardware limits. Each step is measured for a while and scaled to
// the number of times an epoch runs it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "engine/profile/peaks.hpp"
#include "engine/profile/range_timer.hpp"

namespace bptplr {

struct BenchmarkOptions {
  /// Network, batch size, classes, device and precision; num_class 0: 10, image_size 0: 32.
  Recipe recipe;
  std::int64_t images = 50'000;  ///< in the training set; the test set is a fifth of it
  std::int64_t iterations = 0;   ///< number measured; 0: 3 on the CPU, 20 on a GPU
  std::int64_t warmup = 0;       ///< iterations before measuring; 0: 1 on the CPU, 5 on a GPU
  /// Number of distinct images in memory, reused for all; also the number that a network is
  /// evaluated on. 0: 100 on the CPU, 2,000 on a GPU.
  std::int64_t pool = 0;

  /// Replaces defaults (0) by their values and checks all options. Throws Error naming the option.
  void resolve();
};

/// Total time and work of some ranges of an epoch.
struct TimeShare {
  std::int64_t calls = 0;      ///< number of measured calls, not scaled to an epoch
  double seconds = 0.0;        ///< per epoch, without inner ranges that count elsewhere
  Work work;                   ///< per epoch
  double floor_seconds = 0.0;  ///< sum of Peaks::floor_seconds over the ranges
};
using TimeShares = std::map<std::string, TimeShare>;

/// Measurements of one step of an epoch.
struct MeasuredStep {
  std::string name;                       ///< "iteration", "evaluation", "partition" or "test"
  double per_epoch = 0.0;                 ///< number of times an epoch repeats what was measured
  std::map<std::string, PathTime> paths;  ///< as measured, not scaled to an epoch
};

struct BenchmarkResult {
  BenchmarkOptions options;  ///< resolved
  Peaks peaks;
  std::int64_t iterations_per_epoch = 0;  ///< total of both networks
  double iteration_seconds = 0.0;         ///< time of one iteration, launched kernel by kernel
  std::optional<double>
      graph_seconds;    ///< time of one replayed iteration, where replay is possible
  TimeShare iteration;  ///< one iteration, from its ranges
  TimeShare epoch;
  TimeShares phases;    ///< by phase of an epoch: "views", "targets", ..., "test", "other"
  TimeShares families;  ///< by kernel family: "conv2d", "batch_norm backward", ...
  std::vector<MeasuredStep> steps;
  std::size_t peak_bytes = 0;  ///< peak memory before graph replay, in bytes

  /// Returns the number of samples in a training iteration.
  std::int64_t samples_per_iteration() const { return 2 * options.recipe.batch_size; }
};

/// Runs the benchmark. `options` must be resolved, `peaks` those of this device and precision.
/// Throws OutOfMemory if device memory is too small, Error if a batch needs more images.
BenchmarkResult run_benchmark(const BenchmarkOptions& options, const Peaks& peaks);

/// Returns the approximate size of both networks' outputs for all images, in bytes.
std::int64_t outputs_bytes(const BenchmarkOptions& options);

}  // namespace bptplr
