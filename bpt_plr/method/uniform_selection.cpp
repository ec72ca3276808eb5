// Selection of UNICON (Karim et al., CVPR 2022, section 3.2). The cut-off d_cut is the mean
// distance; if the mean exceeds d_mu, it is lowered by 1 / tau of its difference to the smallest
// distance. With n distances below d_cut, the floor(n / C) samples of every class with the smallest
// distances are labelled. w = 1 if the distance is below `trust_below`, else 1 - distance.
//
// Distances, cut-off and `trust_below` are compared as float32, which they are in the published
// code; d_mu, there compared with a Python number, as double.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "bpt_plr/method/selection.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

float mean_of(const std::vector<float>& values) {
  return static_cast<float>(std::accumulate(values.begin(), values.end(), 0.0) /
                            static_cast<double>(values.size()));
}

std::vector<float> distances_of(const Evidence& evidence) {
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
  float cut_off(const std::vector<float>& distances) const {
    const float mean = mean_of(distances);
    if (static_cast<double>(mean) <= recipe_.d_mu) return mean;
    const float smallest = *std::ranges::min_element(distances);
    return mean - (mean - smallest) / static_cast<float>(recipe_.filter_tau);
  }

  Division divide(const std::vector<float>& distances, const SelectionContext& context) const {
    const float limit = cut_off(distances);
    const auto trust_below = static_cast<float>(recipe_.trust_below);
    Division division;
    for (const float d : distances) {
      division.clean.push_back(std::clamp(1.0 - static_cast<double>(d), 0.0, 1.0));
      division.weight.push_back(d < trust_below ? 1.0 : division.clean.back());
      division.num_clean += d < limit ? 1 : 0;
    }
    // Smaller distances are larger clean scores, so balanced_partition applies; 1 - d is exact.
    division.partition = balanced_partition(division.clean, context.noisy_labels, recipe_.num_class,
                                            1.0 - static_cast<double>(limit));
    return division;
  }

  Recipe recipe_;
};

}  // namespace

std::unique_ptr<Selection> make_uniform(const Recipe& recipe) {
  return std::make_unique<UniformSelection>(recipe);
}

}  // namespace bptplr
