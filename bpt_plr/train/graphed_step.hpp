// Runs a training step on batch after batch. On a GPU the second one is recorded, and every later
// one of the same shapes replays it (kernels/device_graph.hpp): the host only writes down the next
// batch.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bpt_plr/method/batch.hpp"
#include "kernels/device_graph.hpp"

namespace bptplr {

/// A step, wrapped from outside: any function of a batch that only queues work on one device.
class GraphedStep {
 public:
  using Step = std::function<Losses(const Batch&)>;
  struct Options {
    Device device;
    /// Whether steps may be recorded. Dropout forbids it: its random numbers are arguments of
    /// kernels and would repeat.
    bool may_record = false;
    /// Tensors in host memory that a step counts up by the same amount each time
    /// (num_batches_tracked): the host does so for replayed ones.
    std::vector<Tensor> counters = {};
    /// Receives a sentence where recording fails; training goes on without.
    std::function<void(const std::string&)> warn = {};
  };

  GraphedStep(Step step, Options options) : step_(std::move(step)), options_(std::move(options)) {}

  /// Queues the step on a batch that is on the CPU. The losses are overwritten by the next call.
  Losses operator()(const Batch& batch);

 private:
  void record();
  void replay();

  Step step_;
  Options options_;
  bool has_run_ = false;
  Batch batch_;  ///< what a graph reads, at addresses that stay
  std::unique_ptr<kernels::DeviceGraph> graph_;
  Losses losses_;                     ///< in the graph's memory: declared after it, to go before it
  std::vector<std::int64_t> counts_;  ///< what a step adds to each counter
};

}  // namespace bptplr
