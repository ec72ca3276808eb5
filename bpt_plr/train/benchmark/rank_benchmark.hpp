// Measures what an iteration costs that several ranks share out: `bptplr bench --ranks`.
#pragma once

#include <cstdint>

#include "bpt_plr/train/benchmark/benchmark.hpp"
#include "bpt_plr/train/benchmark/traffic.hpp"
#include "engine/communicator.hpp"

namespace bptplr {

/// Seconds of the fastest and the slowest rank, and the mean of all.
struct RankSeconds {
  double least = 0.0;
  double mean = 0.0;
  double most = 0.0;
};

/// Measurements of one iteration.
struct RankBenchmarkResult {
  BenchmarkOptions options;  ///< resolved; device and threads are those of rank 0
  int ranks = 1;
  double seconds = 0.0;  ///< as in training, of the slowest rank
  /// Of other iterations, in which the ranks wait for each other at every call so that waiting can
  /// be told from communicating. Gradients are summed beside computing in both.
  RankSeconds computing, communicating, waiting;
  double calls = 0.0;      ///< number of calls that exchange something
  TrafficBytes measured;   ///< of rank 0, and so of every rank
  TrafficBytes by_shapes;  ///< expected_traffic

  /// Returns the number of samples in an iteration, of all ranks.
  std::int64_t samples() const { return 2 * options.recipe.batch_size; }
};

/// Runs training iterations on all ranks of `group`, which all call this, and returns the same on
/// each. `options` must be resolved. Throws Error where a batch has no work for every rank.
RankBenchmarkResult run_rank_benchmark(const BenchmarkOptions& options, Communicator& group);

}  // namespace bptplr
