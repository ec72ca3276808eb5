// The training run: warm-up, then selection and semi-supervised training, epoch after epoch
// (docs/method.md, steps 1 to 7), or a baseline that trusts all labels. Which statistic, selection,
// contrast and pseudo labels a method has, its recipe says.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/metrics.hpp"
#include "bpt_plr/train/pretrained.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Where a run is.
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

/// Who wants to know. Every call is made from the training thread, between iterations.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void on_progress(const Progress&) {}
  virtual void on_epoch(const EpochMetrics&) {}
  /// Something that the user should know, e.g. a labelled set smaller than a batch.
  virtual void on_warning(const std::string&) {}
  /// Asked after every iteration and evaluated batch: whether to stop there.
  virtual bool wants_stop() { return false; }
};

class Trainer {
 public:
  /// `recipe` must be resolved. Throws Error where recipe and data do not fit.
  Trainer(Recipe recipe, const TrainingData& data, TrainingObserver& observer);
  ~Trainer();

  /// Trains the epochs that are left. False where the observer wanted to stop before the end.
  /// Throws NotFinite when a loss or a gradient is not finite, Error when a class is empty, ...
  bool run();

  /// Everything that another trainer of the same recipe and data needs to go on from here, to the
  /// same bits on a CPU. May be asked for when an epoch is reported and when `run` has ended, by
  /// NotFinite too: then the iteration that failed comes next.
  Checkpoint checkpoint() const;
  /// Goes on from there. Throws Error, naming the field, where the recipe differs
  /// (require_same_run) or the data do; `origin` is what the checkpoint is called.
  void restore(const Checkpoint& checkpoint, const std::string& origin);

  /// One or two, as the recipe says.
  int num_networks() const;
  Network& network(int index);
  const Network& network(int index) const;
  /// What each network took from the recipe's `pretrained`; empty without one.
  const std::optional<NamedTensors::Match>& pretrained() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Makes views of `images`, a split of `dataset`, on the recipe's device in its precision.
ViewMaker make_view_maker(const Recipe& recipe, const Dataset& dataset, const Images& images);

}  // namespace bptplr
