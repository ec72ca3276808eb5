// Step 1 of an epoch: by how much a network disagrees with each sample's label.
#pragma once

#include <cstdint>
#include <deque>
#include <span>

#include "engine/tensor.hpp"

namespace bptplr {

/// What a network said about the training set, kept for the epoch.
struct KeptOutputs {
  Tensor logits;            ///< z [N, C]
  Tensor prototype_logits;  ///< s [N, C]
  Tensor projection;        ///< q [N, low_dim]
};

/// The two losses of every sample, each scaled to [0, 1] over the training set.
struct NormalizedLosses {
  Tensor classifier;  ///< [N] CE(z, y), mean over the last epochs of the history
  Tensor prototype;   ///< [N] CE(s, y)
};

/// Computes the losses of one network, epoch after epoch.
class LossTracker {
 public:
  /// `history`: over how many epochs the classifier's normalised loss is averaged.
  explicit LossTracker(std::int64_t history) : history_(static_cast<std::size_t>(history)) {}

  NormalizedLosses update(const KeptOutputs& kept, std::span<const std::int64_t> noisy_labels);

 private:
  std::size_t history_;
  std::deque<Tensor> classifier_;
};

}  // namespace bptplr
