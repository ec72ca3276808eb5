#include "bpt_plr/train/epoch_samples.hpp"

#include <numeric>

#include "data/subset.hpp"

namespace bptplr {

EpochSamples draw_epoch_samples(const Recipe& recipe, const TrainingData& data,
                                std::int64_t epoch) {
  const std::int64_t total = std::ssize(data.noisy_labels);
  if (recipe.epoch_size == 0 || recipe.epoch_size >= total) {
    std::vector<std::int64_t> all(data.noisy_labels.size());
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return {std::move(all), data.noisy_labels, data.true_labels};
  }
  std::vector<std::int64_t> drawn =
      balanced_draw(data.noisy_labels, data.dataset.num_classes(), recipe.epoch_size,
                    static_cast<std::uint64_t>(recipe.seed), static_cast<std::uint32_t>(epoch));
  std::vector<std::int64_t> noisy = select(data.noisy_labels, drawn);
  std::vector<std::int64_t> truth = select(data.true_labels, drawn);
  return {std::move(drawn), std::move(noisy), std::move(truth)};
}

}  // namespace bptplr
