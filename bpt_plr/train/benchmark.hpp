// Where the time of an epoch goes, beside what the hardware could do: the steps of a
// semi-supervised epoch (bpt_plr/README.md) on made-up images and outputs, each measured for a
// while and counted as often as an epoch takes it.
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
  /// Network, batch size, classes, device, precision; num_class 0: 10, image_size 0: 32.
  Recipe recipe;
  std::int64_t images = 50'000;  ///< of the training set; a fifth as many are tested on
  std::int64_t iterations = 0;   ///< measured; 0: 3 on the CPU, 20 on a GPU
  std::int64_t warmup = 0;       ///< iterations before; 0: 1 on the CPU, 5 on a GPU
  /// Different images in memory, which stand for all: so many a network is evaluated on. 0: 100 on
  /// the CPU, 2,000 on a GPU.
  std::int64_t pool = 0;

  /// Replaces what means "choose for me" and checks everything. Throws Error naming the option.
  void resolve();
};

/// What some ranges of an epoch take together.
struct TimeShare {
  std::int64_t calls = 0;      ///< measured, not of the epoch
  double seconds = 0.0;        ///< of an epoch, without ranges inside that count elsewhere
  Work work;                   ///< of an epoch
  double floor_seconds = 0.0;  ///< Peaks::floor_seconds of each range, added up
};
using TimeShares = std::map<std::string, TimeShare>;

/// A step of an epoch as it was measured.
struct MeasuredStep {
  std::string name;                       ///< "iteration", "evaluation", "partition" or "test"
  double per_epoch = 0.0;                 ///< how often an epoch takes what was measured
  std::map<std::string, PathTime> paths;  ///< as measured
};

struct BenchmarkResult {
  BenchmarkOptions options;  ///< resolved
  Peaks peaks;
  std::int64_t iterations_per_epoch = 0;  ///< of both networks
  double iteration_seconds = 0.0;         ///< of one, kernel by kernel
  std::optional<double> graph_seconds;    ///< of one that is replayed, where that can be
  TimeShare iteration;                    ///< of one, as the ranges in it tell
  TimeShare epoch;
  TimeShares phases;    ///< of an epoch: "views", "targets", ..., "test", "other"
  TimeShares families;  ///< of an epoch: "conv2d", "batch_norm backward", ...
  std::vector<MeasuredStep> steps;
  std::size_t peak_bytes = 0;  ///< of memory, before the graph

  /// Samples that a training iteration draws.
  std::int64_t samples_per_iteration() const { return 2 * options.recipe.batch_size; }
};

/// Measures. `options` are resolved, `peaks` are of this device and precision. Throws OutOfMemory
/// where the device has not enough, and Error where the images are too few for a batch.
BenchmarkResult run_benchmark(const BenchmarkOptions& options, const Peaks& peaks);

/// Bytes that the outputs of both networks for all images take, about.
std::int64_t outputs_bytes(const BenchmarkOptions& options);

}  // namespace bptplr
