// Input and result of a training step. The sampler draws everything random about a batch and stores
// it as tensors, so that a step can be recorded once and replayed with other contents
// (train/graphed_step.hpp), or repeated by another implementation.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/views.hpp"
#include "engine/row_shards.hpp"
#include "models/modules.hpp"

namespace bptplr {

/// Losses by name: "loss" is what was minimised; "loss_x", "loss_u", ... are its terms.
using LossTerms = std::map<std::string, double>;

/// Batch of B_x labelled and B_u unlabelled samples, either of which may be 0; in the warm-up all
/// samples are labelled. M is the number of weak views. Several ranks share out the views: each has
/// those of its slices of the samples (engine/row_shards.hpp); what is computed from
/// the networks' outputs is computed by every rank, from those of all. So all else is of the whole
/// batch.
struct Batch {
  ViewInputs weak;           ///< u1, u2, x1, x2; in the warm-up one view of each sample
  ViewInputs strong;         ///< x3, x4, u3, u4; in the warm-up x3, x4; undefined if not needed
  ViewInputs partners;       ///< MixUp partner of each of this rank's rows; undefined without ranks
  Tensor partner_rows;       ///< int64, their rows: 0, 1, ...; undefined without ranks
  Tensor labels;             ///< int64 [B_x] noisy labels
  Tensor clean_probability;  ///< float32 [B_x] w; undefined in the warm-up
  Tensor set_rows;           ///< int64 [B_x + B_u] rows of the logits that give the class sets
  Tensor set_labels;         ///< int64 [B_x + B_u] noisy labels
  Tensor permutation;        ///< int64 [M] MixUp partner of each row; undefined without MixUp
  Tensor scalars;            ///< float64 [5], see make_scalars
  DropoutKey dropout;        ///< of the first forward pass; the step numbers later ones
  LossTerms known;           ///< figures known beforehand and reported beside the losses: lambda_u
  std::int64_t samples = 0;  ///< B_x + B_u
  /// Whether batch normalisation takes the statistics of all ranks' rows.
  bool sync_batch_norm = true;
  Communicator* group = &Communicator::alone();

  std::int64_t size_x() const { return labels.numel(); }
  std::int64_t size_u() const { return samples - size_x(); }
  /// Return how many of the samples are of this rank.
  std::int64_t own_x() const {
    return slice_of_rank(size_x(), group->rank(), group->size()).size();
  }
  std::int64_t own_u() const {
    return slice_of_rank(size_u(), group->rank(), group->size()).size();
  }
  /// Returns how the ranks share out rows of these parts, each of size_x() or size_u() of them.
  Shards shards(const std::vector<std::int64_t>& parts) const {
    return group->is_alone() ? nullptr : group->shards(parts, scalars.device());
  }
  Tensor lr() const { return scalars.rows(0, 1); }
  Tensor mix() const { return scalars.rows(1, 2); }
  Tensor coefficients() const { return scalars.rows(2, 5); }

  /// Returns whether all tensors have the same shapes as those of `other`.
  bool has_shapes_of(const Batch& other) const;
  /// Returns a copy on another device.
  Batch to(Device device) const;
  /// Overwrites all elements; the shapes must agree, the devices need not.
  void copy_from(const Batch& source);

 private:
  std::vector<Tensor*> tensors();
  std::vector<const Tensor*> tensors() const;
};

/// Returns the numbers that change from batch to batch: the learning rate, the MixUp weight, and
/// the coefficients of L_X (1), L_U and R. float64 [5] on the CPU.
Tensor make_scalars(double lr, double mix, double lambda_u, double penalty);

/// Losses of one step, still on its device.
struct Losses {
  std::vector<std::string> names;
  Tensor values;  ///< float32 [names.size()]
};

/// Returns the losses by name; waits for them.
LossTerms loss_terms(const Losses& losses);

}  // namespace bptplr
