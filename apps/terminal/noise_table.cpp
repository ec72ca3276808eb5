#include "apps/terminal/noise_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "apps/terminal/text_layout.hpp"
#include "data/noise/noise.hpp"
#include "engine/text.hpp"

namespace bptplr {
namespace {

constexpr std::size_t kWholeMatrix = 16;
constexpr std::size_t kConfusions = 10;
/// Columns of the names of fields, below which the table begins where it has room.
constexpr std::size_t kIndent = 10;

/// Columns of the table's names of given labels, of its true ones, and what else a line has.
constexpr std::size_t kGiven = 4;
constexpr std::size_t kTrue = 13;
constexpr std::string_view kUnit = "   (%)";

std::size_t matrix_width(std::size_t indent, std::size_t classes) {
  return indent + kTrue + classes * (1 + kGiven) + kUnit.size();
}

std::string whole_matrix(const std::vector<double>& matrix, const std::vector<std::string>& names,
                         std::size_t indent) {
  const std::size_t classes = names.size();
  const std::string blanks(indent, ' ');
  std::string text = blanks + fit("true | given", kTrue);
  for (const std::string& name : names) text += " " + align_right(fit(name, kGiven), kGiven);
  for (std::size_t i = 0; i < classes; ++i) {
    text += "\n" + blanks + fit(names[i], kTrue);
    for (std::size_t j = 0; j < classes; ++j) {
      text += fmt::format(" {:{}.0f}", 100.0 * matrix[i * classes + j], kGiven);
    }
  }
  return fmt::format("{}{}\n", text, kUnit);
}

std::string largest_confusions(std::vector<double> matrix, const std::vector<std::string>& names,
                               std::size_t columns) {
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
    text +=
        wrap(fmt::format("          {} labelled {}: {:.1f} %", printable(names[order[k] / classes]),
                         printable(names[order[k] % classes]), 100.0 * share),
             columns, kIndent + 2) +
        "\n";
  }
  return text;
}

}  // namespace

std::string noise_table(const TrainingData& data, std::size_t columns) {
  // noise_rate is NaN if no true label is known.
  if (!(noise_rate(data.noisy_labels, data.true_labels) > 0.0)) return "";
  const std::vector<std::string>& names = data.dataset.class_names;
  const std::vector<double> matrix =
      transition_matrix(data.noisy_labels, data.true_labels, data.dataset.num_classes());
  if (names.size() <= kWholeMatrix) {
    for (const std::size_t indent : {kIndent, std::size_t{0}}) {
      if (matrix_width(indent, names.size()) <= columns) {
        return whole_matrix(matrix, names, indent);
      }
    }
  }
  return largest_confusions(matrix, names, columns);
}

}  // namespace bptplr
