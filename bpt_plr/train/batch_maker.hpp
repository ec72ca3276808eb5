// Which samples an iteration of step 5 trains on, and everything random about it. Random choices
// come from the counter-based streams of (seed, purpose, epoch, network, ...).
#pragma once

#include <cstdint>
#include <span>

#include "bpt_plr/train/epoch.hpp"
#include "bpt_plr/train/iteration_inputs.hpp"
#include "bpt_plr/train/shuffled_passes.hpp"

namespace bptplr {

/// Views of one sample in one epoch are told apart by iteration, network and view.
std::uint32_t draw_number(std::int64_t iteration, int network, int view);
/// Throws Error where draw_number cannot tell that many iterations apart.
void require_countable(std::int64_t iterations);
/// What the dropout of an iteration draws with.
DropoutKey dropout_key(const EpochContext& context, std::int64_t iteration);

/// Views `first_view`, first_view + 1, ... of the same samples, one stack after the other.
ViewPlan plan_view_stack(const EpochContext& context, std::span<const std::int64_t> samples,
                         View view, std::int64_t iteration, int first_view, int views);
/// Says that these samples come next.
void prefetch(const EpochContext& context, std::span<const std::int64_t> samples);

/// How an epoch goes through its labelled and its unlabelled set.
struct EpochPlan {
  std::int64_t batch_x = 0;  ///< samples of a whole batch
  std::int64_t batch_u = 0;
  std::int64_t iterations = 0;
  Incomplete incomplete = Incomplete::kDrop;
};

/// From the fields epoch_length, incomplete_batches and batch_u of the recipe. `all`:
/// floor(n / B) + 1 iterations; `labelled`: a pass over the labelled set, or the unlabelled one
/// where that is empty. batch_u is B or, from the share R of clean labels, floor(B / (2 R)), at
/// most 10 B (UNICON, Karim et al., CVPR 2022).
EpochPlan plan_epoch(const Recipe& recipe, const Division& division);

/// lambda_u of the recipe, ramped up after the warm-up: times clamp((e - W + b / (floor(size_x / B)
/// + 1)) / lambda_ramp, 0, 1) in iteration b of a pass over the labelled set of size_x samples, e
/// being the epoch of the stage. Without a ramp (0) it is lambda_u at once.
double unlabelled_weight(const Recipe& recipe, std::int64_t epoch_of_stage, std::int64_t b,
                         std::int64_t size_x);

/// Makes the batches of a semi-supervised epoch.
class BatchMaker {
 public:
  BatchMaker(const EpochContext& context, const CoDivision& co_division);

  /// What comes next, on the CPU; to be called for iteration 0, 1, ...
  IterationInputs next(std::int64_t iteration);
  /// Passes over the samples of an iteration that has been done.
  void skip();
  /// The weight of L_U in the last batch.
  double lambda() const;
  const EpochPlan& plan() const { return plan_; }

 private:
  ShuffledPasses passes(const std::vector<std::int64_t>& set, std::int64_t batch_size,
                        Purpose purpose) const;
  void choose_class_sets(std::span<const std::int64_t> x, std::span<const std::int64_t> u,
                         std::span<const std::int64_t> x_positions,
                         std::span<const std::int64_t> u_positions, IterationInputs& inputs) const;
  Tensor weights_of(std::span<const std::int64_t> samples) const;
  void draw_mixup(std::int64_t iteration, std::int64_t rows, IterationInputs& inputs) const;

  const EpochContext& context_;
  const CoDivision& co_division_;
  const Partition& partition_;
  EpochPlan plan_;
  bool wants_strong_views_;
  ShuffledPasses labelled_;
  ShuffledPasses unlabelled_;
};

}  // namespace bptplr
