// Queues the iterations of a semi-supervised epoch. On a GPU the second one is recorded, views and
// all, and every later one replays it (kernels/device_graph.hpp): the host only writes down what
// the next iteration is about.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bpt_plr/train/batch_maker.hpp"
#include "engine/pending_copy.hpp"
#include "kernels/device_graph.hpp"

namespace bptplr {

/// What an iteration came to, once it is known.
struct IterationResult {
  PendingCopy losses;     ///< see queue_iteration
  PendingCopy nonfinite;  ///< see Sgd::nonfinite
};

class IterationRunner {
 public:
  /// Everything must outlive this. Networks, optimiser and division stay where they are.
  IterationRunner(const EpochContext& context, const CoDivision& co_division, Network& k,
                  Network& j, Sgd& optimizer);

  /// Queues an iteration. Replayed are those of the same sizes as the first one.
  IterationResult run(const IterationInputs& inputs, const DropoutKey& dropout);

 private:
  Tensor queue(const IterationInputs& inputs, const DropoutKey& dropout);
  void record(const DropoutKey& dropout);
  void replay();

  const EpochContext& context_;
  const CoDivision& co_division_;
  Network& k_;
  Network& j_;
  Sgd& optimizer_;
  IterationOptions options_;
  std::int64_t kappa_;
  bool may_record_;
  bool has_run_ = false;
  IterationInputs inputs_;  ///< where a graph reads
  std::unique_ptr<kernels::DeviceGraph> graph_;
  Tensor losses_;  ///< where it writes, in its memory: to go before it
  /// What the host counts in an iteration (num_batches_tracked), and how far.
  struct Counter {
    Tensor value;
    std::int64_t step;
  };
  std::vector<Counter> counters_;
};

}  // namespace bptplr
