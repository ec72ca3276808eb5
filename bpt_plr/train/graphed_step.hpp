// Runs a training step on successive batches. On a GPU the second step is recorded as a graph
// (kernels/device_graph.hpp) and replayed for later batches of the same shapes; the host then only
// writes the next batch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bpt_plr/method/batch.hpp"
#include "kernels/device_graph.hpp"

namespace bptplr {

/// Wrapper of a step: any function of a batch that only queues work on one device.
class GraphedStep {
 public:
  using Step = std::function<Losses(const Batch&)>;
  struct Options {
    Device device;
    /// Whether steps may be recorded. Must be false with dropout, whose random numbers are kernel
    /// arguments that a replay would repeat.
    bool may_record = false;
    /// Host tensors that each step increments by a constant (num_batches_tracked); the host does so
    /// for replayed steps.
    std::vector<Tensor> counters = {};
    /// Receives a sentence if recording fails; training continues without a graph.
    std::function<void(const std::string&)> warn = {};
  };

  GraphedStep(Step step, Options options) : step_(std::move(step)), options_(std::move(options)) {}

  /// Queues the step on a batch that is on the CPU. The losses are overwritten by the next call.
  /// `is_last`: no batch follows, so one of other shapes than those recorded frees the graph first.
  Losses operator()(const Batch& batch, bool is_last = false);

 private:
  void record();
  void replay();
  void release();

  Step step_;
  Options options_;
  bool has_run_ = false;
  Batch batch_;  ///< input of the graph, at fixed addresses
  std::unique_ptr<kernels::DeviceGraph> graph_;
  Losses losses_;  ///< in the graph's memory: declared after it, to be freed first
  std::vector<std::int64_t> counts_;  ///< increment of each counter in a step
  Traffic traffic_;                   ///< of a step
};

}  // namespace bptplr
