// Steps 2 and 3 of an epoch: from evidence about the labels to a labelled and an unlabelled set.
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

/// The n samples of an epoch, divided.
struct Division {
  Partition partition;
  /// [n] how clean each label is held to be, in [0, 1]; clean above 0.5. A probability where a
  /// mixture says so.
  std::vector<double> clean;
  std::vector<double> weight;  ///< [n] w in [0, 1], what co-refinement gives to the label
  std::int64_t num_clean = 0;  ///< labels that passed the threshold, before any balance
  std::optional<GmmFit> gmm;   ///< for reports
};

/// What a selection is told beside the evidence.
struct SelectionContext {
  std::int64_t epoch = 0;                      ///< of the whole run, for random numbers
  std::int64_t epoch_of_stage = 0;             ///< of the training run that is under way
  std::span<const std::int64_t> noisy_labels;  ///< [n]
  /// [n] 0 or 1: where mixtures begin, for comparisons with other implementations; empty: where
  /// k-means has them begin.
  std::span<const std::uint8_t> mixture_start = {};
};

class Selection {
 public:
  virtual ~Selection() = default;

  /// A division for each evidence. Called for epochs in their order; the same epoch again replaces
  /// what it gave before. Throws Error for evidence that is not finite.
  virtual std::vector<Division> divide(const SelectionContext& context,
                                       std::span<const Evidence> evidence) = 0;

  /// How many epochs of the warm-up, the last ones, it wants to `divide` too, on what network 1
  /// says after each.
  virtual std::int64_t warm_up_epochs() const { return 0; }

  /// Adds what later epochs, and a second training run, need of earlier ones, on the CPU.
  virtual void save(TensorMap&) const {}
  /// Takes over what `save` of this kind, or of that of the first run, wrote.
  virtual void load(const TensorMap&) {}
};

/// Makes the kind that the recipe names, a resolved one whose selection is not `none`.
/// - `gmm_balanced`: mixture, then equally many of each class (BPT-PLR)
/// - `gmm`: mixture, w > p_threshold (DivideMix, Li et al., ICLR 2020)
/// - `uniform`: equally many of each class, below a cut-off (UNICON, Karim et al., CVPR 2022)
/// - `high_confidence`, `gmm_confident`: first and second run of LongReMix (Cordeiro et al.,
///   Pattern Recognition 2023)
/// - `small_loss`: the share 1 - r with the smallest loss (Co-teaching, Han et al., NeurIPS 2018)
std::unique_ptr<Selection> make_selection(const Recipe& recipe);

/// Samples into labelled and unlabelled ones; `budget` is 0.
Partition partition_where(const std::vector<bool>& labelled);

/// A mixture for each evidence, with the settings of the recipe.
std::vector<GmmFit> fit_mixtures(const Recipe& recipe, std::span<const Evidence> evidence,
                                 const SelectionContext& context);

}  // namespace bptplr
