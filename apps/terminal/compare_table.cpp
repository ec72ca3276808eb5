#include "apps/terminal/compare_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "apps/terminal/terminal.hpp"

namespace bptplr {
namespace {

constexpr std::size_t kColumns = 80;
/// Minimum width to which a label is cut.
constexpr std::size_t kLeastLabel = 8;

/// Row of the table without its label.
using Row = std::array<std::string, 6>;

/// Returns the number of UTF-8 characters, each of which takes one column here.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// Returns `text` in `width` columns, padded or cut with "~" at the end.
std::string fit(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text + std::string(width - width_of(text), ' ');
  std::string cut = text;
  while (width_of(cut) >= width) cut.pop_back();
  return cut + "~";
}

std::string align_right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, width_of(text)), ' ') + text;
}

std::vector<Row> rows_of(const std::vector<LabelSummary>& summaries) {
  const bool any_failed =
      std::ranges::any_of(summaries, [](const LabelSummary& of) { return of.failed > 0; });
  std::vector<Row> rows{{"seeds", any_failed ? "failed" : "", "best %", "last-10 %", "AUC", "min"}};
  for (const LabelSummary& of : summaries) {
    rows.push_back({fmt::format("{}/{}", of.done, of.asked),
                    any_failed ? fmt::format("{}", of.failed) : "", to_text(of.best_acc, 2),
                    to_text(of.mean_last10, 2), to_text(of.auc, 4), to_text(of.minutes, 1)});
  }
  return rows;
}

std::size_t longest_label(const std::vector<LabelSummary>& summaries) {
  std::size_t longest = kLeastLabel;
  for (const LabelSummary& of : summaries) longest = std::max(longest, width_of(of.label));
  return longest;
}

/// Returns the label with the best last ten epochs; none if no run has ended.
std::size_t best_of(const std::vector<LabelSummary>& summaries) {
  std::size_t best = summaries.size();
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const MeanDeviation& of = summaries[i].mean_last10;
    if (of.count > 0 && (best == summaries.size() || of.mean > summaries[best].mean_last10.mean)) {
      best = i;
    }
  }
  return best;
}

void print_table(const std::vector<LabelSummary>& summaries) {
  const std::vector<Row> rows = rows_of(summaries);
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  std::size_t total = 0;
  for (std::size_t column = 0; column < widths.size(); ++column) {
    for (const Row& row : rows) widths[column] = std::max(widths[column], width_of(row[column]));
    if (widths[column] > 0) total += widths[column] + 2;
  }
  const std::size_t label = std::min(longest_label(summaries),
                                     std::max(kLeastLabel, kColumns - std::min(kColumns, total)));
  const std::size_t best = best_of(summaries);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string line = fit(i == 0 ? "" : summaries[i - 1].label, label);
    for (std::size_t column = 0; column < widths.size(); ++column) {
      if (widths[column] > 0) line += "  " + align_right(rows[i][column], widths[column]);
    }
    const bool is_best = i == best + 1;
    fmt::print("{}\n", i == 0 ? styled(line, kBold) : is_best ? styled(line, kGreen) : line);
  }
}

/// Returns a bar "=" up to the mean, on an axis from `low` to `high` of `columns` columns; "|"
/// marks one standard deviation below and above the mean, "-" lies between.
std::string bar(const MeanDeviation& of, double low, double high, std::size_t columns) {
  const auto place = [&](double value) {
    const double share = std::clamp((value - low) / (high - low), 0.0, 1.0);
    return static_cast<std::size_t>(std::lround(share * static_cast<double>(columns - 1)));
  };
  std::string text(columns, ' ');
  std::fill_n(text.begin(), place(of.mean) + 1, '=');
  if (of.count < 2) return text;
  const std::size_t begin = place(of.mean - of.deviation);
  const std::size_t end = place(of.mean + of.deviation);
  std::fill(text.begin() + static_cast<std::ptrdiff_t>(begin),
            text.begin() + static_cast<std::ptrdiff_t>(end), '-');
  text[begin] = '|';
  text[end] = '|';
  text[place(of.mean)] = '+';
  return text;
}

/// Prints bars on an axis between multiples of ten, as differences are small compared with 100 %.
void print_bars(const std::vector<LabelSummary>& summaries) {
  double lowest = 100.0;
  double highest = 0.0;
  for (const LabelSummary& of : summaries) {
    if (of.mean_last10.count == 0) continue;
    const double deviation = of.mean_last10.count > 1 ? of.mean_last10.deviation : 0.0;
    lowest = std::min(lowest, of.mean_last10.mean - deviation);
    highest = std::max(highest, of.mean_last10.mean + deviation);
  }
  if (lowest > highest) return;
  const double low = std::clamp(10.0 * std::floor((lowest - 1.0) / 10.0), 0.0, 90.0);
  const double high = std::clamp(10.0 * std::ceil(highest / 10.0), low + 10.0, 100.0);
  const std::size_t label = std::min<std::size_t>(longest_label(summaries), 20);
  const std::size_t columns = kColumns - label - 2 - 8;
  const std::string left = fmt::format("{:.0f} %", low);
  const std::string right = fmt::format("{:.0f} %", high);
  const std::string axis = fit(left, columns - right.size()) + right;
  fmt::print("\n{}\n", styled(fit("last-10", label) + "  " + axis, kBold));
  for (const LabelSummary& of : summaries) {
    if (of.mean_last10.count == 0) continue;
    fmt::print("{}  {}{:>8.2f}\n", fit(of.label, label), bar(of.mean_last10, low, high, columns),
               of.mean_last10.mean);
  }
}

/// Returns mean and deviation: "79.30 0.41".
std::string pair(const MeanDeviation& of, int decimals) {
  return fmt::format("{} {}", number_text(of.mean, decimals), number_text(of.deviation, decimals));
}

}  // namespace

void print_comparison(const Comparison& comparison) {
  const std::vector<LabelSummary> summaries = summarize(comparison);
  fmt::print("\n");
  print_table(summaries);
  print_bars(summaries);
  const auto has_failed = [](const ComparedRun& run) { return !run.failure.empty(); };
  if (std::ranges::any_of(comparison.runs, has_failed)) fmt::print("\n");
  for (const ComparedRun& run : comparison.runs) {
    if (!has_failed(run)) continue;
    fmt::print("failed    {}, seed {}: {}\n", run.label, run.recipe.seed, run.failure);
  }
}

std::string script_line(const Comparison& comparison) {
  std::string line = "compare";
  for (const LabelSummary& of : summarize(comparison)) {
    line += fmt::format(" {} best {} last10 {} auc {} minutes {}", of.label, pair(of.best_acc, 2),
                        pair(of.mean_last10, 2), pair(of.auc, 4), number_text(of.minutes.mean, 1));
  }
  return line;
}

}  // namespace bptplr
