// Samplers: which samples each iteration of an epoch trains on, and everything random about it.
#pragma once

#include <cstdint>
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

  /// Returns how many batches the epoch has.
  virtual std::int64_t iterations() const = 0;
  /// Returns the next batch, on the CPU.
  virtual Batch next() = 0;
  /// Passes over the next batch, which has been trained on before.
  virtual void skip() = 0;
};

/// Goes once over all samples in a shuffled order: the warm-up, or a baseline.
class WarmUpSampler : public Sampler {
 public:
  /// `epoch` must outlive the sampler.
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

/// How an epoch goes through its labelled and its unlabelled set.
struct Passes {
  std::int64_t batch_x = 0;  ///< samples of a whole batch
  std::int64_t batch_u = 0;
  std::int64_t iterations = 0;
  Incomplete incomplete = Incomplete::kDrop;
};

/// Derives the passes from the fields epoch_length, incomplete_batches and batch_u of the recipe.
/// `all`: floor(n / B) + 1 iterations; `labelled`: a pass over the labelled set, or the unlabelled
/// one where that is empty. batch_u is B or, from the share R of clean labels, floor(B / (2 R)), at
/// most 10 B (UNICON, Karim et al., CVPR 2022).
Passes plan_passes(const Recipe& recipe, const Division& division);

/// Returns the ramped-up lambda_u: times clamp((e - W + b / (floor(size_x / B) + 1)) / lambda_ramp,
/// 0, 1) in iteration b of a pass over the labelled set of size_x samples, e being the epoch of the
/// stage and W its warm-up. Without a ramp (0) it is lambda_u at once.
double unlabelled_weight(const Recipe& recipe, std::int64_t epoch_of_stage, std::int64_t b,
                         std::int64_t size_x);

/// Goes through the labelled and the unlabelled set of a division side by side.
class SemiSupervisedSampler : public Sampler {
 public:
  /// Both must outlive the sampler.
  SemiSupervisedSampler(const NetworkEpoch& epoch, const Division& division);

  std::int64_t iterations() const override { return passes_.iterations; }
  Batch next() override;
  void skip() override;

 private:
  ShuffledPasses shuffled(const std::vector<std::int64_t>& set, std::int64_t batch_size,
                          Purpose purpose) const;
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
