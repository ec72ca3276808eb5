#include "apps/terminal/compare_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "apps/terminal/terminal.hpp"
#include "apps/terminal/text_layout.hpp"

namespace bptplr {
namespace {

/// Minimum width to which a label is cut, and of the bars.
constexpr std::size_t kLeastLabel = 8;
constexpr std::size_t kLeastBar = 10;

std::vector<std::vector<std::string>> rows_of(const std::vector<LabelSummary>& summaries,
                                              bool any_failed) {
  std::vector<std::vector<std::string>> rows;
  for (const LabelSummary& of : summaries) {
    const std::string label = fit(of.label, std::max(kLeastLabel, width_of(of.label)));
    rows.push_back({label, fmt::format("{}/{}", of.done, of.asked),
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
  const bool any_failed =
      std::ranges::any_of(summaries, [](const LabelSummary& of) { return of.failed > 0; });
  const std::vector<std::string> lines =
      table_lines({{"", true, kLeastLabel},
                   {"seeds"},
                   {any_failed ? "failed" : ""},
                   {"best %"},
                   {"last-10 %"},
                   {"AUC", false, 0, 2},
                   {"min", false, 0, 1}},
                  rows_of(summaries, any_failed), terminal_columns());
  const std::size_t best = best_of(summaries);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool is_best = i == best + 1;
    say((i == 0 ? styled(lines[i], kBold) : is_best ? styled(lines[i], kGreen) : lines[i]) + "\n");
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
  const std::size_t columns =
      std::max(terminal_columns(), label + 2 + 8 + kLeastBar) - label - 2 - 8;
  const std::string left = fmt::format("{:.0f} %", low);
  const std::string right = fmt::format("{:.0f} %", high);
  const std::string axis = fit(left, columns - right.size()) + right;
  say("\n" + styled(fit("last-10", label) + "  " + axis, kBold) + "\n");
  for (const LabelSummary& of : summaries) {
    if (of.mean_last10.count == 0) continue;
    say(fmt::format("{}  {}{:>8.2f}\n", fit(of.label, label),
                    bar(of.mean_last10, low, high, columns), of.mean_last10.mean));
  }
}

/// Returns mean and deviation: "79.30 0.41".
std::string pair(const MeanDeviation& of, int decimals) {
  return fmt::format("{} {}", number_text(of.mean, decimals), number_text(of.deviation, decimals));
}

}  // namespace

void print_comparison(const Comparison& comparison) {
  const std::vector<LabelSummary> summaries = summarize(comparison);
  say("\n");
  print_table(summaries);
  print_bars(summaries);
  const auto has_failed = [](const ComparedRun& run) { return !run.failure.empty(); };
  if (std::ranges::any_of(comparison.runs, has_failed)) say("\n");
  for (const ComparedRun& run : comparison.runs) {
    if (!has_failed(run)) continue;
    say_field("failed", fmt::format("{}, seed {}: {}", run.label, run.recipe.seed, run.failure));
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
