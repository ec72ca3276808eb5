#include "bpt_plr/train/graphed_step.hpp"

#include <exception>

#include "engine/error.hpp"
#include "engine/memory.hpp"

namespace bptplr {

Losses GraphedStep::operator()(const Batch& batch, bool is_last) {
  if (!options_.may_record || (has_run_ && !batch.has_shapes_of(batch_))) {
    if (is_last) release();  // its memory would stand beside that of this batch
    return step_(batch.to(options_.device));
  }
  if (has_run_) {
    batch_.copy_from(batch);
    if (graph_ == nullptr) record();
  } else {
    batch_ = batch.to(options_.device);
  }
  if (graph_ != nullptr) {
    replay();
  } else {
    losses_ = step_(batch_);
  }
  has_run_ = true;
  return losses_;
}

void GraphedStep::record() {
  std::string failure;
  const Traffic before = batch_.group->traffic();
  for (Tensor& counter : options_.counters) counts_.push_back(counter.data<std::int64_t>()[0]);
  try {
    auto graph = kernels::make_graph(cuda_context(options_.device));
    Losses losses;  // in the graph's memory: declared after it, to be freed before it
    graph->record([&] { losses = step_(batch_); });
    graph_ = std::move(graph);
    losses_ = losses;
  } catch (const std::exception& error) {
    failure = error.what();
  }
  // NCCL wants a call to be recorded on all ranks or on none.
  if (batch_.group->any(!failure.empty())) {
    options_.may_record = false;
    losses_ = {};
    graph_ = nullptr;
    if (options_.warn) {
      options_.warn(fmt::format(
          "the GPU cannot record an iteration ({}); training goes on without, more slowly",
          failure.empty() ? "nor can that of another rank" : failure));
    }
  }
  traffic_ = batch_.group->traffic() - before;
  batch_.group->add_traffic(before - batch_.group->traffic());  // nothing was sent yet
  // Recording has advanced the counters like a run; each replay advances them from before it.
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    auto& value = options_.counters[i].data<std::int64_t>()[0];
    counts_[i] = value - counts_[i];
    value -= counts_[i];
  }
}

void GraphedStep::release() {
  losses_ = {};
  graph_ = nullptr;
  batch_ = {};
  has_run_ = false;
}

void GraphedStep::replay() {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    options_.counters[i].data<std::int64_t>()[0] += counts_[i];
  }
  batch_.group->add_traffic(traffic_);
  graph_->replay();
}

}  // namespace bptplr
