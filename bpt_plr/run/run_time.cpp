#include "bpt_plr/run/run_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bptplr {
namespace {

/// Iterations after which a rate replaces an earlier one: the first of a phase are slower.
constexpr std::int64_t kSteady = 3;

constexpr const char* kPartition = "partition";
constexpr const char* kTest = "test";

double forward_and_backward(double views) {
  return 3.0 * views;
}

/// Returns the passes for a sample of the warm-up, or of a baseline.
double plain_passes(const Recipe& recipe) {
  if (recipe.warm_up_contrastive == WarmUpContrastive::kNone) return forward_and_backward(1.0);
  return forward_and_backward(1.0) +
         (recipe.warm_up_contrastive_grad ? forward_and_backward(2.0) : 2.0);
}

/// Returns the passes for a sample after the warm-up.
double semi_supervised_passes(const Recipe& recipe) {
  const double contrastive = recipe.contrastive == ContrastKind::kNone     ? 0.0
                             : recipe.contrastive == ContrastKind::kSimClr ? 2.0
                                                                           : 4.0;
  const double share = recipe.epoch_length == EpochLength::kAll ? 1.0 : 0.5;
  return share * (6.0 + forward_and_backward(4.0 + contrastive));
}

}  // namespace

RunTime::RunTime(const Recipe& recipe, std::int64_t train_images, std::int64_t test_images)
    : train_images_(train_images),
      test_images_(test_images),
      num_epochs_(recipe.num_epochs),
      networks_(static_cast<double>(recipe.networks)),
      stages_(stages_of(recipe)) {
  if (recipe.epoch_size > 0) train_images_ = std::min(train_images_, recipe.epoch_size);
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    for (const bool warm_up : {false, true}) {
      costs_[{stage, warm_up}] = cost_of(stages_[stage].recipe, warm_up);
    }
  }
}

RunTime::Cost RunTime::cost_of(const Recipe& recipe, bool warm_up) const {
  const double samples = networks_ * static_cast<double>(train_images_);
  Cost cost;
  cost.test = networks_ * static_cast<double>(test_images_);
  const bool is_divided = !warm_up && divides(recipe);
  cost.training = samples * (is_divided ? semi_supervised_passes(recipe) : plain_passes(recipe));
  if (!is_divided) return cost;
  cost.divisions = recipe.exchange == Exchange::kJoint ? 2.0 : 1.0;
  cost.partition = cost.divisions * samples;
  return cost;
}

RunTime::Kind RunTime::kind_of(std::int64_t epoch) const {
  std::size_t stage = stages_.size() - 1;
  while (stage > 0 && stages_[stage].first_epoch > epoch) --stage;
  return {stage, epoch < stages_[stage].warm_up_end()};
}

bool RunTime::is_warm_up(std::int64_t epoch) const {
  return kind_of(epoch).second;
}

void RunTime::start(double seconds) {
  start_ = seconds_ = epoch_start_ = phase_start_ = seconds;
}

void RunTime::note_progress(const Progress& now, double seconds) {
  if (phase_.first.empty()) {
    // A resumed run may begin within an epoch, whose time then says nothing about others.
    const bool from_start = now.phase == kPartition || now.iteration <= 1;
    epoch_is_whole_ =
        now.network <= 1 && from_start && (is_divided(now.epoch) == (now.phase == kPartition));
  }
  if (phase_ != std::pair(now.phase, now.network)) {
    phase_ = {now.phase, now.network};
    phase_start_ = seconds;
    phase_first_ = now.iteration;
  }
  now_ = now;
  seconds_ = seconds;
  note_shares();
  measure_rate();
}

/// Notes which shares of the epoch's training and partitions are done.
void RunTime::note_shares() {
  const double part = static_cast<double>(now_.iteration) /
                      static_cast<double>(std::max<std::int64_t>(now_.iterations, 1));
  const double before = std::max(now_.network, 1) - 1;
  const double share = std::clamp((before + part) / networks_, 0.0, 1.0);
  if (now_.phase == kTest) {
    training_done_ = partition_done_ = 1.0;
  } else if (now_.phase != kPartition) {
    training_done_ = share;
  } else if (is_divided(now_.epoch)) {
    const double divisions = costs_.at(kind_of(now_.epoch)).divisions;
    const double earlier = divisions > 1.0 && training_done_ > 0.0 ? 1.0 : 0.0;
    partition_done_ = (earlier + share) / divisions;
  }
}

void RunTime::measure_rate() {
  const Kind kind = kind_of(now_.epoch);
  const Cost& cost = costs_.at(kind);
  const bool is_evaluation = now_.phase == kPartition;
  if (now_.phase == kTest || now_.iterations <= 0 || now_.iteration <= 0) return;
  // Passes of an iteration; a partition counts images instead, each of which is a pass.
  const double passes =
      is_evaluation ? 1.0 : cost.training / networks_ / static_cast<double>(now_.iterations);
  std::optional<double>& measured = rates_[is_evaluation ? kEvaluation : work_of(kind)];
  const std::int64_t iterations = measured_iterations();
  if (iterations >= (measured ? kSteady : 1)) {
    measured = phase_seconds() / (static_cast<double>(iterations) * passes);
  } else if (!is_evaluation && epoch_is_whole_ && now_.iteration == 1) {
    // Reserves memory and on a GPU times kernels, so it counts only where nothing else is known.
    first_iteration_ = epoch_seconds() / passes;
  }
}

void RunTime::note_epoch(std::int64_t epoch, double seconds) {
  if (epoch_is_whole_) whole_epochs_[kind_of(epoch)] = seconds - epoch_start_;
  seconds_ = epoch_start_ = phase_start_ = seconds;
  now_ = {};
  now_.epoch = epoch + 1;
  phase_ = {};
  training_done_ = partition_done_ = 0.0;
  epoch_is_whole_ = true;
}

double RunTime::rate(Work work) const {
  for (const Work of : {work, kWarmUp, kOther, kEvaluation}) {
    if (rates_[of]) return *rates_[of];
  }
  return first_iteration_.value_or(-1.0);
}

double RunTime::seconds_of(Kind kind) const {
  const auto whole = whole_epochs_.find(kind);
  if (whole != whole_epochs_.end()) return whole->second;
  const Cost& cost = costs_.at(kind);
  if (rate(kEvaluation) < 0.0) return -1.0;
  return cost.training * rate(work_of(kind)) + (cost.partition + cost.test) * rate(kEvaluation);
}

double RunTime::epoch_left() const {
  const Kind kind = kind_of(now_.epoch);
  const Cost& cost = costs_.at(kind);
  if (rate(kEvaluation) < 0.0) return -1.0;
  const double training = (1.0 - training_done_) * cost.training * rate(work_of(kind));
  const double partition = (1.0 - partition_done_) * cost.partition * rate(kEvaluation);
  const auto whole = whole_epochs_.find(kind);
  // An epoch may be slower than the last one.
  if (whole != whole_epochs_.end()) {
    return std::max(whole->second - epoch_seconds(), phase_left());
  }
  return training + partition + cost.test * rate(kEvaluation);
}

/// Returns the seconds until the current phase ends; 0 before its second iteration.
double RunTime::phase_left() const {
  if (measured_iterations() <= 0) return 0.0;
  const auto left = std::max<std::int64_t>(now_.iterations - now_.iteration, 0);
  return phase_seconds() * static_cast<double>(left) / static_cast<double>(measured_iterations());
}

std::optional<TimeLeft> RunTime::left() const {
  const double now_left = epoch_left();
  if (now_left < 0.0 || now_.epoch >= num_epochs_) return {};
  TimeLeft left;
  const auto add = [&](bool warm_up, std::int64_t epochs, double seconds) {
    (warm_up ? left.warm_up_epochs : left.other_epochs) += epochs;
    (warm_up ? left.warm_up_seconds : left.other_seconds) += seconds;
  };
  add(is_warm_up(now_.epoch), 1, epoch_seconds() + now_left);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const std::int64_t end = i + 1 < stages_.size() ? stages_[i + 1].first_epoch : num_epochs_;
    const auto add_between = [&](bool warm_up, std::int64_t first, std::int64_t last) {
      const std::int64_t epochs = std::max<std::int64_t>(last - std::max(first, now_.epoch + 1), 0);
      add(warm_up, epochs, static_cast<double>(epochs) * seconds_of({i, warm_up}));
    };
    add_between(true, stages_[i].first_epoch, stages_[i].warm_up_end());
    add_between(false, stages_[i].warm_up_end(), end);
  }
  return left;
}

double RunTime::run_left() const {
  const auto all = left();
  return all ? std::max(all->seconds() - epoch_seconds(), 0.0) : -1.0;
}

std::string duration_text(double seconds) {
  if (seconds < 59.5) return fmt::format("{:.0f} s", std::max(seconds, 1.0));
  const std::int64_t minutes = std::llround(seconds / 60.0);
  if (minutes < 60) return fmt::format("{} min", minutes);
  if (minutes < 24 * 60) {
    return minutes % 60 == 0 ? fmt::format("{} h", minutes / 60)
                             : fmt::format("{} h {} min", minutes / 60, minutes % 60);
  }
  const std::int64_t hours = std::llround(seconds / 3600.0);
  return fmt::format("{} day{}{}", hours / 24, hours / 24 == 1 ? "" : "s",
                     hours % 24 == 0 ? "" : fmt::format(" {} h", hours % 24));
}

}  // namespace bptplr
