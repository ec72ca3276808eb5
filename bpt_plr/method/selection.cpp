#include "bpt_plr/method/selection.hpp"

#include "bpt_plr/method/part_table.hpp"

namespace bptplr {

// Factories of the kinds, each defined in its own file *_selection.cpp.
PartFactory<Selection> make_balanced_mixture, make_mixture;
PartFactory<Selection> make_uniform;
PartFactory<Selection> make_high_confidence, make_confident_mixture;
PartFactory<Selection> make_small_loss;

namespace {

constexpr PartRow<Selection, SelectionKind> kSelections[] = {
    {SelectionKind::kGmmBalanced, make_balanced_mixture},
    {SelectionKind::kGmm, make_mixture},
    {SelectionKind::kUniform, make_uniform},
    {SelectionKind::kHighConfidence, make_high_confidence},
    {SelectionKind::kGmmConfident, make_confident_mixture},
    {SelectionKind::kSmallLoss, make_small_loss}};

}  // namespace

std::unique_ptr<Selection> make_selection(const Recipe& recipe) {
  return make_from(kSelections, recipe.selection, recipe);
}

Partition partition_where(const std::vector<bool>& labelled) {
  Partition partition;
  for (std::size_t i = 0; i < labelled.size(); ++i) {
    auto& set = labelled[i] ? partition.labelled : partition.unlabelled;
    set.push_back(static_cast<std::int64_t>(i));
  }
  return partition;
}

std::vector<GmmFit> fit_mixtures(const Recipe& recipe, std::span<const Evidence> evidence,
                                 const SelectionContext& context) {
  const GmmOptions options{recipe.gmm_max_iter, recipe.gmm_tol, recipe.gmm_reg_covar};
  if (context.mixture_start.empty()) {
    return fit_gmm(evidence, options, static_cast<std::uint64_t>(recipe.seed),
                   static_cast<std::uint32_t>(context.epoch));
  }
  std::vector<GmmFit> fits;
  for (const Evidence& part : evidence) {
    fits.push_back(fit_gmm_from_labels(part, context.mixture_start, options));
  }
  return fits;
}

}  // namespace bptplr
