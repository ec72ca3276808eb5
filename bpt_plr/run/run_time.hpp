// Estimates how long a run takes: from its first iterations, and better from each part of it that
// has been measured.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/recipe/stages.hpp"
#include "bpt_plr/train/trainer.hpp"

namespace bptplr {

/// Epochs of a run from the current one on, which counts as a whole, and their seconds.
struct TimeLeft {
  std::int64_t warm_up_epochs = 0;
  std::int64_t other_epochs = 0;  ///< after a warm-up, or of a baseline
  double warm_up_seconds = 0.0;
  double other_seconds = 0.0;

  std::int64_t epochs() const { return warm_up_epochs + other_epochs; }
  double seconds() const { return warm_up_seconds + other_seconds; }
};

/// Unmeasured work is estimated in forward passes of a sample, a backward pass being two. An epoch
/// takes, for each of N samples and each network:
///   warm-up, baseline   3 for the view trained on, 6 for two strong views with a gradient
///   after the warm-up   6 without a gradient, for the targets, and 3 for each of 4 mixed views and
///                       of the views of the contrastive loss; half of that where one pass over the
///                       labelled set, assumed to be half of the samples, makes an epoch
///   partition           1, and again if each network has its own
///   test                1 for each test image
class RunTime {
 public:
  /// Receives a resolved recipe, and the number of images to train and to test on.
  RunTime(const Recipe& recipe, std::int64_t train_images, std::int64_t test_images);

  /// Receive the events of the run in order, with a clock's seconds.
  void start(double seconds);
  void note_progress(const Progress& now, double seconds);
  void note_epoch(std::int64_t epoch, double seconds);

  /// Returns the seconds until the current epoch ends; negative if unknown.
  double epoch_left() const;
  /// Returns the seconds until the run ends; negative if unknown.
  double run_left() const;
  /// Returns what the epochs from the current one on take; nothing if unknown.
  std::optional<TimeLeft> left() const;

  bool is_warm_up(std::int64_t epoch) const;
  /// Returns the iterations that the rate of the current phase was measured over.
  std::int64_t measured_iterations() const { return now_.iteration - phase_first_; }
  /// Returns the seconds since the run was started, the current epoch was, and of these iterations.
  double run_seconds() const { return seconds_ - start_; }
  double epoch_seconds() const { return seconds_ - epoch_start_; }
  double phase_seconds() const { return seconds_ - phase_start_; }

 private:
  enum Work : std::size_t { kWarmUp, kOther, kEvaluation, kWorks };

  /// Cost of an epoch in forward passes of a sample.
  struct Cost {
    double training = 0.0;
    double partition = 0.0;
    double test = 0.0;
    double divisions = 0.0;  ///< partitions in an epoch
  };
  /// Kind of epochs that take equally long: the stage, and whether they are warm-up.
  using Kind = std::pair<std::size_t, bool>;

  Cost cost_of(const Recipe& recipe, bool warm_up) const;
  Kind kind_of(std::int64_t epoch) const;
  Work work_of(Kind kind) const { return kind.second ? kWarmUp : kOther; }
  bool is_divided(std::int64_t epoch) const { return costs_.at(kind_of(epoch)).divisions > 0.0; }
  /// Returns the seconds of a forward pass within this work, or within the closest that was
  /// measured; negative if none was.
  double rate(Work work) const;
  /// Returns the seconds of a whole epoch; negative if unknown.
  double seconds_of(Kind kind) const;
  void note_shares();
  void measure_rate();
  double phase_left() const;

  std::int64_t train_images_;
  std::int64_t test_images_;
  std::int64_t num_epochs_;
  double networks_;
  std::vector<Stage> stages_;
  std::map<Kind, Cost> costs_;
  std::map<Kind, double> whole_epochs_;                ///< seconds of the last one of each kind
  std::array<std::optional<double>, kWorks> rates_{};  ///< seconds of a forward pass
  std::optional<double> first_iteration_;              ///< the same, of the run's first iteration

  Progress now_;
  double seconds_ = 0.0;
  double start_ = 0.0;
  double epoch_start_ = 0.0;
  bool epoch_is_whole_ = true;  ///< false: a resumed run began within it
  std::pair<std::string, int> phase_;
  double phase_start_ = 0.0;
  std::int64_t phase_first_ = 0;  ///< iterations done when the phase was first heard of
  double training_done_ = 0.0;    ///< share of the epoch's training
  double partition_done_ = 0.0;   ///< share of the epoch's partitions
};

/// Returns seconds in words: "40 s", "12 min", "3 h 20 min", "2 days 5 h".
std::string duration_text(double seconds);

}  // namespace bptplr
