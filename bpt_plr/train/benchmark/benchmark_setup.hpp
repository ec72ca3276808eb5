// What benchmarks train: two networks on made-up images and outputs, divided into the two sets.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bpt_plr/method/parts.hpp"
#include "bpt_plr/method/semi_supervised_step.hpp"
#include "bpt_plr/train/benchmark/benchmark.hpp"
#include "bpt_plr/train/division.hpp"
#include "bpt_plr/train/epoch_samples.hpp"
#include "bpt_plr/train/graphed_step.hpp"
#include "bpt_plr/train/learner.hpp"
#include "bpt_plr/train/network_epoch.hpp"
#include "bpt_plr/train/sampler.hpp"
#include "data/dataset.hpp"
#include "data/views.hpp"

namespace bptplr {

struct BenchmarkSetup {
  /// `options` must be resolved; `group` must outlive this.
  explicit BenchmarkSetup(const BenchmarkOptions& options,
                          Communicator& group = Communicator::alone());

  /// Runs the work between the evaluation of the networks and their training, and after training.
  void divide();

  Recipe recipe;
  Communicator& group;
  Device device;
  Dataset data;
  std::unique_ptr<ViewMaker> views;
  EpochSamples samples;
  Learner k;
  Learner j;
  Parts parts;
  std::vector<Division> divisions;  ///< after divide()
};

/// Iterations of network k on the division of network j.
class BenchmarkIterations {
 public:
  /// `setup`, which has been divided, must outlive this. `cuda_graph`: replays a graph where it
  /// can. Throws Error where one of the sets is smaller than a batch.
  BenchmarkIterations(BenchmarkSetup& setup, bool cuda_graph);

  /// Returns the seconds of `count` iterations, all queued before waiting for the last one.
  double run(std::int64_t count);
  /// Returns whether a graph was wanted and could not be recorded.
  bool has_warned() const { return has_warned_; }

 private:
  Recipe recipe_;
  NetworkEpoch epoch_;
  SemiSupervisedSampler sampler_;
  SemiSupervisedStep step_;
  GraphedStep graphed_;
  bool has_warned_ = false;
};

}  // namespace bptplr
