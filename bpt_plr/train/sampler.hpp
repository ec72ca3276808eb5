// Samplers choose the samples of each iteration of an epoch, and draw all its random numbers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bpt_plr/method/batch.hpp"
#include "bpt_plr/method/selection.hpp"
#include "bpt_plr/train/network_epoch.hpp"
#include "bpt_plr/train/shuffled_passes.hpp"

namespace bptplr {

/// Makes the batches of an epoch, one after the other.
class Sampler {
 public:
  virtual ~Sampler() = default;

  /// Returns the number of batches in the epoch.
  virtual std::int64_t iterations() const = 0;
  /// Returns the next batch, on the CPU.
  virtual Batch next() = 0;
  /// Skips the next batch, which has already been trained on.
  virtual void skip() = 0;
};

/// Makes one pass over all samples in a shuffled order, for warm-up or a baseline.
class WarmUpSampler : public Sampler {
 public:
  /// Receives `epoch`, which must outlive the sampler.
  explicit WarmUpSampler(const NetworkEpoch& epoch);

  std::int64_t iterations() const override { return iterations_; }
  Batch next() override;
  void skip() override { ++next_; }

 private:
  std::span<const std::int64_t> samples_of(std::int64_t iteration) const;

  const NetworkEpoch& epoch_;
  std::int64_t batch_size_;
  std::int64_t iterations_;
  bool strong_views_;
  double lr_;
  std::vector<std::int64_t> order_;
  std::int64_t next_ = 0;
};

/// Lengths of an epoch's passes over the labelled and the unlabelled set.
struct Passes {
  std::int64_t batch_x = 0;  ///< samples in a complete batch
  std::int64_t batch_u = 0;
  std::int64_t iterations = 0;
  Incomplete incomplete = Incomplete::kDrop;
};

/// Derives the passes from the recipe fields epoch_length, incomplete_batches and batch_u. `all`:
/// floor(n / B) + 1 iterations; `labelled`: one pass over the labelled set, or over the unlabelled
/// one if that is empty. batch_u is B or, from the share R of clean labels, floor(B / (2 R)), at
/// most 10 B (UNICON, Karim et al., CVPR 2022).
Passes plan_passes(const Recipe& recipe, const Division& division);

/// Returns lambda_u * clamp((e - W + b / (floor(size_x / B) + 1)) / lambda_ramp, 0, 1) for
/// iteration b of a pass over the labelled set of size_x samples; e is the epoch of the stage, W
/// its warm-up. lambda_ramp = 0 returns lambda_u.
double unlabelled_weight(const Recipe& recipe, std::int64_t epoch_of_stage, std::int64_t b,
                         std::int64_t size_x);

/// Draws batches from the labelled and the unlabelled set of a division side by side.
class SemiSupervisedSampler : public Sampler {
 public:
  /// Receives `epoch` and `division`, which must outlive the sampler.
  SemiSupervisedSampler(const NetworkEpoch& epoch, const Division& division);

  std::int64_t iterations() const override { return passes_.iterations; }
  Batch next() override;
  void skip() override;

 private:
  ShuffledPasses shuffled(const std::vector<std::int64_t>& set, std::int64_t batch_size,
                          Purpose purpose) const;
  void plan_views(std::span<const std::int64_t> x, std::span<const std::int64_t> u,
                  Batch& batch) const;
  void choose_class_sets(std::span<const std::int64_t> x, std::span<const std::int64_t> u,
                         std::span<const std::int64_t> x_positions,
                         std::span<const std::int64_t> u_positions, Batch& batch) const;
  Tensor weights_of(std::span<const std::int64_t> samples) const;
  void draw_mixup(std::int64_t rows, Batch& batch) const;
  double lambda() const;

  const NetworkEpoch& epoch_;
  const Division& division_;
  const Partition& partition_;
  Passes passes_;
  bool strong_views_;
  ShuffledPasses labelled_;
  ShuffledPasses unlabelled_;
  std::int64_t next_ = 0;
};

}  // namespace bptplr
