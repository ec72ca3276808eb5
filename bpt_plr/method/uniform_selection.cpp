// Selection of UNICON (Karim et al., CVPR 2022, section 3.2). The cut-off d_cut is the mean
// distance; if the mean exceeds d_mu, it is lowered by 1 / tau of its difference to the smallest
// distance. With n distances below d_cut, the floor(n / C) samples of every class with the smallest
// distances are labelled. w = 1 if the distance is below `trust_below`, else 1 - distance.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "bpt_plr/method/selection.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::vector<double> distances_of(const Evidence& evidence) {
  const Tensor here = evidence.first.to(Device{});
  const auto values = here.span<float>();
  require(!values.empty(), "there is no sample to select; give it a training set");
  for (std::size_t i = 0; i < values.size(); ++i) {
    require(std::isfinite(values[i]),
            "the distance of sample {} is {}: training has diverged; train again with a lower --lr",
            i, values[i]);
  }
  return {values.begin(), values.end()};
}

class UniformSelection : public Selection {
 public:
  explicit UniformSelection(const Recipe& recipe) : recipe_(recipe) {}

  std::vector<Division> divide(const SelectionContext& context,
                               std::span<const Evidence> evidence) override {
    std::vector<Division> divisions;
    for (const Evidence& part : evidence) divisions.push_back(divide(distances_of(part), context));
    return divisions;
  }

 private:
  double cut_off(const std::vector<double>& distances) const {
    const double mean = mean_of(distances);
    if (mean <= recipe_.d_mu) return mean;
    return mean - (mean - *std::ranges::min_element(distances)) / recipe_.filter_tau;
  }

  Division divide(const std::vector<double>& distances, const SelectionContext& context) const {
    const double limit = cut_off(distances);
    Division division;
    for (const double d : distances) {
      division.clean.push_back(std::clamp(1.0 - d, 0.0, 1.0));
      division.weight.push_back(d < recipe_.trust_below ? 1.0 : division.clean.back());
      division.num_clean += d < limit ? 1 : 0;
    }
    // Smaller distances are larger clean scores, so balanced_partition applies.
    division.partition =
        balanced_partition(division.clean, context.noisy_labels, recipe_.num_class, 1.0 - limit);
    return division;
  }

  Recipe recipe_;
};

}  // namespace

std::unique_ptr<Selection> make_uniform(const Recipe& recipe) {
  return std::make_unique<UniformSelection>(recipe);
}

}  // namespace bptplr
