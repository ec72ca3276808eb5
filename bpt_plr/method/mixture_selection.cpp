// Selections by a mixture: a label is clean if the clean component's probability exceeds the
// threshold; the balanced selection takes the same number of the cleanest labels of every class.
#include "bpt_plr/method/selection.hpp"

namespace bptplr {
namespace {

class MixtureSelection : public Selection {
 public:
  MixtureSelection(const Recipe& recipe, bool balanced) : recipe_(recipe), balanced_(balanced) {}

  std::vector<Division> divide(const SelectionContext& context,
                               std::span<const Evidence> evidence) override {
    std::vector<Division> divisions;
    for (GmmFit& fit : fit_mixtures(recipe_, evidence, context)) {
      Division division;
      division.clean = fit.clean_probability;
      division.weight = division.clean;
      std::vector<bool> is_clean;
      is_clean.reserve(division.clean.size());
      for (const double w : division.clean) {
        is_clean.push_back(w > recipe_.p_threshold);
        division.num_clean += is_clean.back() ? 1 : 0;
      }
      division.partition = balanced_ ? balanced_partition(fit.clean_on_device, context.noisy_labels,
                                                          recipe_.num_class, recipe_.p_threshold)
                                     : partition_where(is_clean);
      division.gmm = std::move(fit);
      divisions.push_back(std::move(division));
    }
    return divisions;
  }

 private:
  Recipe recipe_;
  bool balanced_;
};

}  // namespace

std::unique_ptr<Selection> make_mixture(const Recipe& recipe) {
  return std::make_unique<MixtureSelection>(recipe, false);
}

std::unique_ptr<Selection> make_balanced_mixture(const Recipe& recipe) {
  return std::make_unique<MixtureSelection>(recipe, true);
}

}  // namespace bptplr
