#include "bpt_plr/results/judges/folds.hpp"

#include <algorithm>
#include <utility>

#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "data/subset.hpp"
#include "engine/error.hpp"
#include "engine/ops.hpp"
#include "engine/random.hpp"

namespace bptplr {
namespace {

/// Counts the epochs of all folds.
class FoldObserver : public TrainingObserver {
 public:
  FoldObserver(std::int64_t total, const FoldProgress& progress)
      : total_(total), progress_(progress) {}

  /// Counts epochs that an earlier process has done.
  void pass(std::int64_t epochs) {
    done_ += epochs;
    if (progress_) progress_(done_, total_);
  }
  void on_epoch(const EpochMetrics&) override { pass(1); }

 private:
  std::int64_t total_;
  std::int64_t done_ = 0;
  const FoldProgress& progress_;
};

/// Returns the positions of the samples in a fold, or of those outside it.
std::vector<std::int64_t> positions(std::span<const std::int64_t> fold_of, std::int64_t fold,
                                    bool inside) {
  std::vector<std::int64_t> found;
  for (std::size_t i = 0; i < fold_of.size(); ++i) {
    if ((fold_of[i] == fold) == inside) found.push_back(static_cast<std::int64_t>(i));
  }
  return found;
}

/// Returns the training data of these samples, without a test part.
TrainingData part_of(const TrainingData& data, std::span<const std::int64_t> samples) {
  TrainingData part;
  part.dataset = data.dataset;
  part.dataset.train = select(data.dataset.train, samples);
  part.dataset.test = select(data.dataset.train, {});
  part.noisy_labels = select(data.noisy_labels, samples);
  part.true_labels = select(data.true_labels, samples);
  return part;
}

/// Trains the networks of a fold; returns false where `stop` ended it.
bool train_fold(const Recipe& recipe, const TrainingData& data, const StopCondition& stop,
                FoldObserver& observer) {
  const PlannedRun run = plan_run(recipe, /*resume=*/true);
  TrainingRun training(run, data, stop, observer);
  observer.pass(training.trainer().position().epoch);
  return training.run();
}

}  // namespace

std::vector<std::int64_t> folds_of(std::span<const std::int64_t> labels, std::int64_t num_classes,
                                   std::int64_t folds, std::uint64_t seed) {
  std::vector<std::int64_t> met(static_cast<std::size_t>(num_classes));
  std::vector<std::int64_t> fold_of(labels.size());
  for (const std::int64_t i : Philox(seed, Purpose::kFolds).permutation(std::ssize(labels))) {
    const auto sample = static_cast<std::size_t>(i);
    // Classes begin at different folds, so that small ones do not all lack the last.
    const auto label = labels[sample];
    fold_of[sample] = (label + met[static_cast<std::size_t>(label)]++) % folds;
  }
  return fold_of;
}

Tensor out_of_fold_logits(const RunFolder& run, const Recipe& recipe, const TrainingData& data,
                          std::int64_t folds, const StopCondition& stop,
                          const FoldProgress& progress) {
  require(folds >= 2, "--folds is {}, but must be 2 or more, or 0 for none", folds);
  const auto samples = std::ssize(data.noisy_labels);
  require(folds <= samples, "--folds is {}, but there are {} samples; use fewer folds", folds,
          samples);
  const std::int64_t classes = data.dataset.num_classes();
  const auto fold_of =
      folds_of(data.noisy_labels, classes, folds, static_cast<std::uint64_t>(recipe.seed));
  FoldObserver observer(folds * recipe.num_epochs, progress);
  Tensor logits = Tensor::empty({samples, classes});
  for (std::int64_t fold = 0; fold < folds; ++fold) {
    Recipe of_fold = recipe;
    of_fold.out = (run.path() / "folds" / fmt::format("{}-{}", folds, fold + 1)).string();
    const TrainingData others = part_of(data, positions(fold_of, fold, false));
    if (!train_fold(of_fold, others, stop, observer)) return {};
    const auto inside = positions(fold_of, fold, true);
    const Split left_out = select(data.dataset.train, inside);
    const Networks networks = load_networks(RunFolder::open(of_fold.out), of_fold);
    const auto views = make_view_maker(recipe, data.dataset, left_out);
    const Tensor mean = scale(summed_logits(pointers_to(networks), *views),
                              1.0 / static_cast<double>(networks.size()));
    for (std::int64_t i = 0; i < std::ssize(inside); ++i) {
      const std::int64_t sample = inside[static_cast<std::size_t>(i)];
      logits.rows(sample, sample + 1).copy_from(mean.rows(i, i + 1));
    }
  }
  return logits;
}

}  // namespace bptplr
