#include "bpt_plr/train/epoch.hpp"

#include <nlohmann/json.hpp>

#include "bpt_plr/method/semi_supervised_step.hpp"
#include "bpt_plr/method/warm_up_step.hpp"
#include "bpt_plr/train/graphed_step.hpp"
#include "bpt_plr/train/sampler.hpp"
#include "engine/memory.hpp"

namespace bptplr {
namespace {

/// Maximum number of iterations that a GPU lags behind the host: enough to keep it busy, few enough
/// for reports to be current.
constexpr std::size_t kMostPending = 8;

LossQueue make_queue(const NetworkEpoch& epoch, const EpochControl& control,
                     std::int64_t iterations, const char* phase) {
  return {[&control, iterations](const LossQueue::Iteration& done, const LossTerms& losses) {
            if (control.report) {
              control.report(done.number + 1, iterations, done.images, losses);
            }
          },
          [&epoch, phase](std::int64_t iteration) {
            return fmt::format("epoch {}, {} iteration {} of network {}", epoch.epoch, phase,
                               iteration, epoch.network + 1);
          }};
}

/// Trains on the remaining batches of the epoch. Returns the number of samples in them.
std::int64_t train_on_batches(Sampler& sampler, GraphedStep& step, const Sgd& optimizer,
                              const NetworkEpoch& epoch, const EpochControl& control,
                              const char* phase) {
  const std::int64_t iterations = sampler.iterations();
  LossQueue queue = make_queue(epoch, control, iterations, phase);
  const bool lags = epoch.views.device().type == DeviceType::kCuda;
  if (lags && !epoch.group->is_alone()) queue.keep_order();
  std::int64_t images = 0;
  for (std::int64_t i = 0; i < control.first_iteration; ++i) sampler.skip();
  for (std::int64_t i = control.first_iteration; i < iterations; ++i) {
    const Batch batch = sampler.next();
    images += batch.samples;
    const Losses losses = step(batch, i + 1 == iterations);
    queue.add({i, images, batch.known, losses.names, PendingCopy(losses.values),
               PendingCopy(optimizer.nonfinite())});
    queue.report(kMostPending);
    if (control.wants_stop && control.wants_stop()) {
      queue.report(0);
      throw Stopped{};
    }
  }
  queue.report(0);
  return images;
}

}  // namespace

GraphedStep::Options graph_options(const NetworkEpoch& epoch, const Network& network,
                                   std::function<void(const std::string&)> warn) {
  GraphedStep::Options options;
  options.device = epoch.views.device();
  options.may_record =
      options.device.type == DeviceType::kCuda && epoch.recipe.cuda_graph && !network.has_dropout();
  for (const NamedTensors::Entry& entry : network.named().entries()) {
    if (entry.tensor.dtype() == DType::kInt64) options.counters.push_back(entry.tensor);
  }
  options.warn = std::move(warn);
  return options;
}

LossMeans::LossMeans(const nlohmann::json& sums) {
  for (const auto& [name, sum] : sums.items()) sums_[name] = {sum.at(0), sum.at(1)};
}

nlohmann::json LossMeans::sums() const {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, sum] : sums_) json[name] = {sum.first, sum.second};
  return json;
}

void LossMeans::add(const LossTerms& terms) {
  for (const auto& [name, value] : terms) {
    auto& [sum, count] = sums_[name];
    sum += value;
    ++count;
  }
}

LossTerms LossMeans::means() const {
  LossTerms terms;
  for (const auto& [name, sum] : sums_) terms[name] = sum.first / static_cast<double>(sum.second);
  return terms;
}

std::int64_t warm_up_epoch(const NetworkEpoch& epoch, const EpochControl& control, Network& network,
                           Sgd& optimizer) {
  WarmUpSampler sampler(epoch);
  const WarmUpStep step(epoch.recipe, network, optimizer);
  GraphedStep graphed([&](const Batch& batch) { return step(batch, epoch.views); },
                      graph_options(epoch, network, control.warn));
  return train_on_batches(sampler, graphed, optimizer, epoch, control, "warm-up");
}

std::int64_t semi_supervised_epoch(const NetworkEpoch& epoch, const EpochControl& control,
                                   const Division& division, const Tensor& logits_j, Network& k,
                                   Network& j, Sgd& optimizer) {
  release_freed_memory();  // memory of the evaluation, before usage peaks
  SemiSupervisedSampler sampler(epoch, division);
  const SemiSupervisedStep step(epoch.recipe, epoch.epoch_of_stage, k, j, optimizer);
  GraphedStep graphed([&](const Batch& batch) { return step(batch, epoch.views, logits_j); },
                      graph_options(epoch, k, control.warn));
  return train_on_batches(sampler, graphed, optimizer, epoch, control, "training");
}

}  // namespace bptplr
