// Step 1 of an epoch: by how much a network disagrees with each sample's label.
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "engine/tensor.hpp"

namespace bptplr {

/// What a network said about the n samples of an epoch, kept for the epoch.
struct KeptOutputs {
  Tensor logits;            ///< z [n, C]
  Tensor prototype_logits;  ///< s [n, C]
  Tensor projection;        ///< q [n, low_dim]
};

/// The two losses of every sample, each scaled to [0, 1] over the samples.
struct NormalizedLosses {
  Tensor classifier;  ///< [n] CE(z, y), mean over the last epochs of the history
  Tensor prototype;   ///< [n] CE(s, y)
};

/// Computes the losses of one network, epoch after epoch.
class LossTracker {
 public:
  /// `history`: over how many epochs the classifier's normalised loss is averaged.
  explicit LossTracker(std::int64_t history) : history_(history) {}

  /// The losses of `epoch`, which is no earlier than that of the last call; the same epoch again
  /// gives the same losses again.
  NormalizedLosses update(std::int64_t epoch, const KeptOutputs& kept,
                          std::span<const std::int64_t> noisy_labels);

  /// The classifier's normalised losses that means are taken over, by epoch: what a checkpoint of
  /// the tracker holds.
  std::map<std::int64_t, Tensor>& classifier_losses() { return classifier_; }
  const std::map<std::int64_t, Tensor>& classifier_losses() const { return classifier_; }

 private:
  std::int64_t history_;
  std::map<std::int64_t, Tensor> classifier_;
};

}  // namespace bptplr
