// Divides samples into a labelled and an unlabelled set by evidence (steps 2 and 3 of an epoch).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bpt_plr/method/evidence.hpp"
#include "bpt_plr/method/gmm.hpp"
#include "bpt_plr/method/partition.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "engine/io/safetensors.hpp"

namespace bptplr {

/// Division of the n samples of an epoch.
struct Division {
  Partition partition;
  /// [n] score in [0, 1] of each label, clean above 0.5; from a mixture it is a probability.
  std::vector<double> clean;
  std::vector<double> weight;  ///< [n] w in [0, 1], the weight of the label in co-refinement
  std::int64_t num_clean = 0;  ///< labels above the threshold, before balancing
  std::optional<GmmFit> gmm;   ///< for reports
};

/// Inputs of a selection beside the evidence.
struct SelectionContext {
  std::int64_t epoch = 0;                      ///< of the whole run, keys random numbers
  std::int64_t epoch_of_stage = 0;             ///< of the current training run
  std::span<const std::int64_t> noisy_labels;  ///< [n]
  /// [n] 0 or 1: start of mixtures, for comparisons with other implementations; empty: k-means.
  std::span<const std::uint8_t> mixture_start = {};
};

class Selection {
 public:
  virtual ~Selection() = default;

  /// Returns a division for each evidence. Called for epochs in order; repeating an epoch replaces
  /// its earlier result. Throws Error for evidence that is not finite.
  virtual std::vector<Division> divide(const SelectionContext& context,
                                       std::span<const Evidence> evidence) = 0;

  /// Returns the number of last epochs of the warm-up to `divide` too, by network 1's outputs after
  /// each.
  virtual std::int64_t warm_up_epochs() const { return 0; }

  /// Adds state that later epochs and a second training run need to the map, on the CPU.
  virtual void save(TensorMap&) const {}
  /// Restores what `save` of the same selection, or of that of the first run, wrote.
  virtual void load(const TensorMap&) {}
};

/// Creates the selection that a resolved recipe names, other than `none`.
/// - `gmm_balanced`: mixture, then equally many of each class (BPT-PLR)
/// - `gmm`: mixture, w > p_threshold (DivideMix, Li et al., ICLR 2020)
/// - `uniform`: equally many of each class, below a cut-off (UNICON, Karim et al., CVPR 2022)
/// - `high_confidence`, `gmm_confident`: first and second run of LongReMix (Cordeiro et al.,
///   Pattern Recognition 2023)
/// - `small_loss`: the share 1 - r with the smallest loss (Co-teaching, Han et al., NeurIPS 2018)
std::unique_ptr<Selection> make_selection(const Recipe& recipe);

/// Returns the samples as labelled and unlabelled ones; `budget` is 0.
Partition partition_where(const std::vector<bool>& labelled);

/// Fits a mixture to each evidence, with the settings of the recipe.
std::vector<GmmFit> fit_mixtures(const Recipe& recipe, std::span<const Evidence> evidence,
                                 const SelectionContext& context);

}  // namespace bptplr
