#include "bpt_plr/train/iteration_runner.hpp"

#include <exception>

#include "bpt_plr/recipe/schedules.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {
IterationRunner::IterationRunner(const EpochContext& context, const CoDivision& co_division,
                                 Network& k, Network& j, Sgd& optimizer)
    : context_(context),
      co_division_(co_division),
      k_(k),
      j_(j),
      optimizer_(optimizer),
      options_(context.recipe),
      kappa_(static_cast<std::int64_t>(
          scheduled(parse_schedule(context.recipe.kappa, "kappa"), context.epoch_of_stage, 1.0))),
      // Dropout's random numbers are arguments of its kernels: replayed, they would repeat.
      may_record_(context.views.device().type == DeviceType::kCuda && context.recipe.cuda_graph &&
                  !k.has_dropout()) {}

IterationResult IterationRunner::run(const IterationInputs& inputs, const DropoutKey& dropout) {
  if (!may_record_ || (has_run_ && !inputs.has_shapes_of(inputs_))) {
    const Tensor losses = queue(inputs.to(context_.views.device()), dropout);
    return {PendingCopy(losses), PendingCopy(optimizer_.nonfinite())};
  }
  if (has_run_) {
    inputs_.copy_from(inputs);
    if (graph_ == nullptr) record(dropout);
  } else {
    inputs_ = inputs.to(context_.views.device());
  }
  if (graph_ != nullptr) {
    replay();
  } else {
    losses_ = queue(inputs_, dropout);
  }
  has_run_ = true;
  return {PendingCopy(losses_), PendingCopy(optimizer_.nonfinite())};
}

/// Where that fails, the epoch goes on without a graph.
void IterationRunner::record(const DropoutKey& dropout) {
  for (const auto& entry : k_.named().entries()) {
    if (entry.tensor.dtype() != DType::kInt64) continue;
    counters_.push_back({entry.tensor, entry.tensor.data<std::int64_t>()[0]});
  }
  try {
    auto graph = kernels::make_graph(cuda_context(context_.views.device()));
    Tensor losses;  // in the graph's memory: where recording fails, it goes before it
    graph->record([&] { losses = queue(inputs_, dropout); });
    graph_ = std::move(graph);
    losses_ = losses;
  } catch (const std::exception& error) {
    may_record_ = false;
    context_.warn(fmt::format(
        "the GPU cannot record an iteration ({}); training goes on without, more slowly",
        error.what()));
  }
  // Recording has counted as a run does; each replay counts from before it.
  for (Counter& counter : counters_) {
    auto* value = counter.value.data<std::int64_t>();
    counter.step = *value - counter.step;
    *value -= counter.step;
  }
}

void IterationRunner::replay() {
  for (Counter& counter : counters_) *counter.value.data<std::int64_t>() += counter.step;
  graph_->replay();
}

/// Views, class sets, and the iteration.
Tensor IterationRunner::queue(const IterationInputs& inputs, const DropoutKey& dropout) {
  const std::int64_t rows = inputs.permutation.numel();
  const bool has_strong = options_.wants_strong_views();
  IterationBatch batch;
  batch.weak = context_.views.empty(rows);
  context_.views.make(inputs.weak, batch.weak);
  batch.combined = context_.views.empty(has_strong ? 2 * rows : rows);
  if (has_strong) context_.views.make(inputs.strong, batch.combined.rows(rows, 2 * rows));
  batch.labels = inputs.labels;
  batch.clean_probability = inputs.clean_probability;
  if (options_.contrast->wants_class_sets()) {
    batch.class_sets = make_class_sets(gather_rows(co_division_.logits, inputs.set_rows),
                                       inputs.set_labels, kappa_);
  }
  batch.permutation = inputs.permutation;
  batch.scalars = inputs.scalars;
  batch.dropout = dropout;
  return queue_iteration(k_, j_, optimizer_, batch, options_);
}

}  // namespace bptplr
