#include "apps/terminal/noise_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data/noise/noise.hpp"

namespace bptplr {
namespace {

constexpr std::size_t kWholeMatrix = 16;
constexpr std::size_t kConfusions = 10;

std::string whole_matrix(const std::vector<double>& matrix, const std::vector<std::string>& names) {
  const std::size_t classes = names.size();
  std::string text = fmt::format("          {:>12} ", "true | given");
  for (const std::string& name : names) text += fmt::format(" {:>4.4}", name);
  for (std::size_t i = 0; i < classes; ++i) {
    text += fmt::format("\n          {:>12.12} ", names[i]);
    for (std::size_t j = 0; j < classes; ++j) {
      text += fmt::format(" {:4.0f}", 100.0 * matrix[i * classes + j]);
    }
  }
  return text + "   (%)\n";
}

std::string largest_confusions(std::vector<double> matrix, const std::vector<std::string>& names) {
  const std::size_t classes = names.size();
  for (std::size_t i = 0; i < classes; ++i) matrix[i * classes + i] = 0.0;
  std::vector<std::size_t> order(matrix.size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return matrix[a] > matrix[b]; });
  std::string text;
  for (std::size_t k = 0; k < std::min(kConfusions, order.size()); ++k) {
    const double share = matrix[order[k]];
    if (share <= 0.0) break;
    text += fmt::format("          {} labelled {}: {:.1f} %\n", names[order[k] / classes],
                        names[order[k] % classes], 100.0 * share);
  }
  return text;
}

}  // namespace

std::string noise_table(const TrainingData& data) {
  // noise_rate is NaN if no true label is known.
  if (!(noise_rate(data.noisy_labels, data.true_labels) > 0.0)) return "";
  const std::vector<std::string>& names = data.dataset.class_names;
  const std::vector<double> matrix =
      transition_matrix(data.noisy_labels, data.true_labels, data.dataset.num_classes());
  return names.size() <= kWholeMatrix ? whole_matrix(matrix, names)
                                      : largest_confusions(matrix, names);
}

}  // namespace bptplr
