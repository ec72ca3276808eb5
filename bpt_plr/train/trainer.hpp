// A training run: warm-up, then selection and semi-supervised training, epoch after epoch
// (docs/method.md, steps 1 to 7), or a baseline that trusts all labels. The recipe says which
// statistic, selection, contrast and pseudo labels the method has.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/method/parts.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/recipe/stages.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "bpt_plr/train/division.hpp"
#include "bpt_plr/train/epoch.hpp"
#include "bpt_plr/train/epoch_samples.hpp"
#include "bpt_plr/train/learner.hpp"
#include "bpt_plr/train/metrics.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "data/views.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Position of a run.
struct Progress {
  std::int64_t epoch = 0;
  std::int64_t num_epochs = 0;
  std::string phase;                     ///< "warm_up", "partition", "train", "ce" or "test"
  int network = 0;                       ///< 1 or 2
  std::int64_t iteration = 0;            ///< done in this phase
  std::int64_t iterations = 0;           ///< of this phase
  std::int64_t images = 0;               ///< samples that this phase has drawn so far
  std::map<std::string, double> losses;  ///< of the last iteration
};

/// Receives what happens in a run. Every call is made from the training thread, between iterations.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void on_progress(const Progress&) {}
  virtual void on_epoch(const EpochMetrics&) {}
  /// Receives a sentence for the user, e.g. about a labelled set smaller than a batch.
  virtual void on_warning(const std::string&) {}
  /// Whether to stop; asked after every iteration and evaluated batch.
  virtual bool wants_stop() { return false; }
};

class Trainer {
 public:
  /// `recipe` must be resolved; data and observer must outlive the trainer. Throws Error where
  /// recipe and data do not fit.
  Trainer(Recipe recipe, const TrainingData& data, TrainingObserver& observer);

  /// Trains the epochs that are left. Returns false where the observer stopped it before the end.
  /// Throws NotFinite when a loss or a gradient is not finite, Error when a class is empty, ...
  bool run();

  /// Returns everything that another trainer of the same recipe and data needs to go on from here,
  /// to the same bits on a CPU. May be called when an epoch is reported and when `run` has ended,
  /// by NotFinite too: then the iteration that failed comes next.
  Checkpoint checkpoint() const;
  /// Goes on from a checkpoint. Throws Error, naming the field, where the recipe differs
  /// (require_same_run) or the data do; `origin` is what the checkpoint is called.
  void restore(const Checkpoint& checkpoint, const std::string& origin);

  /// Returns the number of networks, one or two.
  int num_networks() const { return static_cast<int>(learners_.size()); }
  Network& network(int index) { return *learner(index).network; }
  const Network& network(int index) const {
    return *learners_[static_cast<std::size_t>(index)]->network;
  }
  /// What each network took from the recipe's `pretrained`; empty without one.
  const std::optional<NamedTensors::Match>& pretrained() const { return pretrained_; }

 private:
  // The stage under way: its recipe, the number of an epoch within it, its networks.
  const Recipe& recipe() const { return stages_[stage_].recipe; }
  std::int64_t within_stage(std::int64_t epoch) const {
    return epoch - stages_[stage_].first_epoch;
  }
  std::size_t stage_of(std::int64_t epoch) const;
  void begin_stage(std::size_t stage);
  Learner& learner(int index) { return *learners_[static_cast<std::size_t>(index)]; }
  std::vector<Network*> networks() const;
  std::vector<const KeptOutputs*> kept_outputs() const;

  /// Whether the samples of an epoch are divided, or all trusted.
  bool is_divided(std::int64_t epoch) const {
    return divides(recipe()) && within_stage(epoch) >= recipe().warm_up;
  }
  bool has_outputs() const;

  void run_epoch();
  void plain_epoch(EpochMetrics& metrics);
  void divide_after_warm_up(std::int64_t epoch);
  void divided_epoch(EpochMetrics& metrics);
  std::int64_t train_on(const Division& division, std::int64_t epoch, int k);
  void evaluate_samples(std::int64_t epoch, int index);
  std::vector<Division> divide_samples(EpochMetrics& metrics);
  void begin_division(int k);
  void test(EpochMetrics& metrics);
  void stop_if_wanted();

  NetworkEpoch network_epoch(std::int64_t epoch, int network) const;
  EpochControl control(std::int64_t epoch, int network, std::string phase);

  Recipe recipe_;
  const TrainingData& data_;
  TrainingObserver& observer_;
  ViewMaker train_views_;
  ViewMaker test_views_;
  std::vector<Stage> stages_;
  std::size_t stage_ = 0;
  std::vector<std::unique_ptr<Learner>> learners_;
  std::optional<Parts> parts_;
  std::optional<NamedTensors::Match> pretrained_;
  Position position_;
  EpochSamples samples_;  ///< of the epoch under way
  LossMeans loss_means_;
  std::vector<double> accuracies_;
};

}  // namespace bptplr
