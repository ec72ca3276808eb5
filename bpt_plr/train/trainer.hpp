// Trains a run epoch by epoch: warm-up, then selection and semi-supervised training
// (docs/method.md, steps 1 to 7), or a baseline that trusts all labels. The recipe chooses the
// method's statistic, selection, contrast and pseudo labels.
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
#include "bpt_plr/train/pretrained.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "data/views.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Progress within a run.
struct Progress {
  std::int64_t epoch = 0;
  std::int64_t num_epochs = 0;
  std::string phase;                     ///< "warm_up", "partition", "train", "ce" or "test"
  int network = 0;                       ///< 1 or 2
  std::int64_t iteration = 0;            ///< iterations done in this phase
  std::int64_t iterations = 0;           ///< total iterations of this phase
  std::int64_t images = 0;               ///< samples drawn in this phase so far
  std::map<std::string, double> losses;  ///< of the last iteration
};

/// Receives the events of a run. All calls come from the training thread, between iterations.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void on_progress(const Progress&) {}
  virtual void on_epoch(const EpochMetrics&) {}
  /// Receives a sentence for the user, e.g. about a labelled set smaller than a batch.
  virtual void on_warning(const std::string&) {}
  /// Returns whether to stop; called after every iteration and evaluated batch.
  virtual bool wants_stop() { return false; }
};

class Trainer {
 public:
  /// Receives a resolved recipe; `data`, `observer` and `group` must outlive the trainer. The ranks
  /// of the group share out the work, and all have the same state and results; a stop that any of
  /// them wants is one of all. Throws Error if recipe and data do not fit, on any rank.
  Trainer(Recipe recipe, const TrainingData& data, TrainingObserver& observer,
          Communicator& group = Communicator::alone());
  Trainer(const Trainer&) = delete;  // its views refer to its data
  Trainer& operator=(const Trainer&) = delete;

  /// Trains the remaining epochs. Returns false if the observer stopped it early. Throws NotFinite
  /// for a loss or gradient that is not finite, Error when a class is empty, ...
  bool run();

  /// Returns where the run is.
  const Position& position() const { return position_; }
  /// Returns the state from which another trainer of the same recipe and data resumes, with
  /// identical bits on a CPU. May be called when an epoch is reported and after `run` ends, also by
  /// NotFinite: the failed iteration then comes next.
  Checkpoint checkpoint() const;
  /// Resumes from a checkpoint, called `origin` in errors. Throws Error naming the field if the
  /// recipe (require_same_run) or the data differ.
  void restore(const Checkpoint& checkpoint, const std::string& origin);

  /// Returns the number of networks, one or two.
  int num_networks() const { return static_cast<int>(learners_.size()); }
  Network& network(int index) { return *learner(index).network; }
  const Network& network(int index) const {
    return *learners_[static_cast<std::size_t>(index)]->network;
  }
  /// Returns what each network took from the recipe's `pretrained` file; empty without one.
  const std::optional<PretrainedReport>& pretrained() const { return pretrained_; }

 private:
  // State of the current stage: recipe, epoch within it, networks.
  const Recipe& recipe() const { return stages_[stage_].recipe; }
  std::int64_t within_stage(std::int64_t epoch) const {
    return epoch - stages_[stage_].first_epoch;
  }
  std::size_t stage_of(std::int64_t epoch) const;
  void begin_stage(std::size_t stage);
  Learner& learner(int index) { return *learners_[static_cast<std::size_t>(index)]; }
  std::vector<Network*> networks() const;
  std::vector<const KeptOutputs*> kept_outputs() const;

  /// Returns whether the samples of an epoch are divided rather than all trusted.
  bool is_divided(std::int64_t epoch) const {
    return divides(recipe()) && within_stage(epoch) >= recipe().warm_up;
  }
  bool has_outputs() const;

  void run_epoch();
  void plain_epoch(EpochMetrics& metrics);
  void divide_after_warm_up(std::int64_t epoch);
  void begin_prototypes(EpochMetrics& metrics);
  void divided_epoch(EpochMetrics& metrics);
  std::int64_t train_on(const Division& division, std::int64_t epoch, int k);
  Network::Output outputs_for_samples(std::int64_t epoch, int index);
  void evaluate_samples(std::int64_t epoch, int index);
  std::vector<Division> divide_samples(EpochMetrics& metrics, int k);
  void report_for(int k, const Divided& divided, EpochMetrics& metrics) const;
  void report_earlier_division(EpochMetrics& metrics);
  void begin_division(int k);
  void test(EpochMetrics& metrics);
  bool wants_stop();
  void stop_if_wanted();
  void require_same_parameters() const;
  void agree_on_statistics();

  NetworkEpoch network_epoch(std::int64_t epoch, int network) const;
  EpochControl control(std::int64_t epoch, int network, std::string phase);

  Recipe recipe_;
  const TrainingData& data_;
  TrainingObserver& observer_;
  Communicator& group_;
  std::unique_ptr<ViewMaker> train_views_;
  std::unique_ptr<ViewMaker> test_views_;
  std::vector<Stage> stages_;
  std::size_t stage_ = 0;
  std::vector<std::unique_ptr<Learner>> learners_;
  std::optional<Parts> parts_;
  std::optional<PretrainedReport> pretrained_;
  Position position_;
  EpochSamples samples_;  ///< of the current epoch
  /// What the division that network 1 trained on was made of, while network 2 trains on another
  /// one (Exchange::kJoint): for the report on the epoch.
  std::vector<Evidence> evidence_for_first_;
  LossMeans loss_means_;
  std::vector<double> accuracies_;
};

}  // namespace bptplr
