#include "bpt_plr/method/selection.hpp"

#include "bpt_plr/method/selections.hpp"

namespace bptplr {
namespace {

PartTable<Selection>& table() {
  static PartTable<Selection> parts("selection", {{"gmm_balanced", make_balanced_mixture},
                                                  {"gmm", make_mixture},
                                                  {"uniform", make_uniform},
                                                  {"high_confidence", make_high_confidence},
                                                  {"gmm_confident", make_confident_mixture}});
  return parts;
}

}  // namespace

std::unique_ptr<Selection> make_selection(const Recipe& recipe) {
  return table().make(recipe.selection, recipe);
}

std::vector<std::string> selection_names() {
  return table().names_and_none();
}

bool add_selection(const std::string& word, PartFactory<Selection> factory) {
  table().add(word, std::move(factory));
  return true;
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
