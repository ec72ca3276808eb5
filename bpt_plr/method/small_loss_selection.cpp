// Small-loss selection, as Co-teaching has it (Han et al., NeurIPS 2018): of every network's
// samples the share 1 - r with the smallest loss is labelled, r being the noise rate of the recipe.
// In the first epochs after the warm-up fewer are left out: r grows over `lambda_ramp` epochs.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "bpt_plr/method/selection.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

class SmallLossSelection : public Selection {
 public:
  explicit SmallLossSelection(const Recipe& recipe) : recipe_(recipe) {}

  std::vector<Division> divide(const SelectionContext& context,
                               std::span<const Evidence> evidence) override {
    const auto epoch = static_cast<double>(context.epoch_of_stage - recipe_.warm_up + 1);
    const double left_out = recipe_.r * std::min(epoch / recipe_.lambda_ramp, 1.0);
    std::vector<Division> divisions;
    for (const Evidence& part : evidence) divisions.push_back(smallest(part.first, 1.0 - left_out));
    return divisions;
  }

 private:
  /// Labels the `share` of the samples with the smallest `losses` [n].
  static Division smallest(const Tensor& losses, double share) {
    const Tensor here = losses.to(Device{});
    const auto values = here.span<float>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      require(std::isfinite(values[i]),
              "the loss of sample {} is {}: training has diverged; train again with a lower --lr",
              i, values[i]);
    }
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
    Division division;
    division.num_clean = std::lround(share * static_cast<double>(values.size()));
    std::vector<bool> labelled(values.size());
    for (std::int64_t k = 0; k < division.num_clean; ++k) {
      labelled[order[static_cast<std::size_t>(k)]] = true;
    }
    division.partition = partition_where(labelled);
    for (const bool is_labelled : labelled) division.clean.push_back(is_labelled ? 1.0 : 0.0);
    division.weight = division.clean;
    return division;
  }

  Recipe recipe_;
};

}  // namespace

std::unique_ptr<Selection> make_small_loss(const Recipe& recipe) {
  return std::make_unique<SmallLossSelection>(recipe);
}

}  // namespace bptplr
