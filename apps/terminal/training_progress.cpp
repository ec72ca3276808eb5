#include "apps/terminal/training_progress.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <string_view>
#include <vector>

#include "apps/terminal/terminal.hpp"
#include "apps/terminal/text_layout.hpp"

namespace bptplr {
namespace {

constexpr std::chrono::milliseconds kBarRedraw(100);
constexpr std::chrono::seconds kPlainStatus(30);
/// Columns of the bar, and those around it: a blank and brackets; a shorter bar is left out.
constexpr std::size_t kBarWidth = 20;
constexpr std::size_t kBarFrame = 3;
constexpr std::size_t kLeastProgressBar = 5;
/// Seconds from which the time of a run is said in words.
constexpr double kWorthSaying = 10.0;

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// Formats seconds: "0:07", "12:34", "1:02:03"; "?" if unknown.
std::string clock_text(double duration) {
  if (!(duration >= 0.0)) return "?";
  const auto total = static_cast<std::int64_t>(std::lround(duration));
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

/// Returns the terms of the loss without the total, e.g. "x 1.23", "u 0.04".
std::vector<std::string> loss_terms(const std::map<std::string, double>& losses) {
  std::vector<std::string> terms;
  for (const auto& [name, value] : losses) {
    if (name == "loss") continue;
    const std::string_view part(name);
    terms.push_back(
        fmt::format("{} {:.3f}", part.starts_with("loss_") ? part.substr(5) : part, value));
  }
  return terms;
}

std::string total_loss(const std::map<std::string, double>& losses) {
  const auto total = losses.find("loss");
  return total == losses.end() ? "-" : number_text(total->second, 4);
}

/// Cells of a line of the table: epoch, phase, lr, loss, test, best, labelled, AUC, images per
/// second, memory, time.
using Cells = std::array<std::string, 11>;
/// Widths of the cells; negative: left-aligned.
constexpr std::array<int, 11> kWidths{5, -10, 8, 9, 7, 7, 13, 13, 8, 7, 8};
/// Cells dropped from lines that are too long, in this order: memory, images per second, lr, loss,
/// phase, labelled, AUC.
constexpr std::array<std::size_t, 7> kExpendable{9, 8, 2, 3, 1, 6, 7};
/// Minimum room for the terms of the loss; with less they are left out.
constexpr std::size_t kLeastParts = 20;

/// Returns a line of at most `columns`, unless the required cells alone are longer.
std::string table_line(Cells cells, const std::string& parts, std::size_t columns) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = kWidths[i] < 0 ? fmt::format("{:<{}}", cells[i], -kWidths[i])
                              : fmt::format("{:>{}}", cells[i], kWidths[i]);
  }
  const auto join = [&] {
    std::string line;
    for (const std::string& cell : cells) {
      if (!cell.empty()) line += (line.empty() ? "" : " ") + cell;
    }
    return line;
  };
  std::string line = join();
  for (const std::size_t i : kExpendable) {
    if (line.size() <= columns) break;
    cells[i].clear();
    line = join();
  }
  constexpr std::string_view kBetweenParts = "  ";
  if (line.size() + kBetweenParts.size() + kLeastParts > columns) return line;
  const std::size_t room = columns - line.size() - kBetweenParts.size();
  // Terms are cut only between figures: a truncated figure would be wrong.
  const std::size_t end = parts.size() <= room ? parts.size() : parts.rfind(kBetweenParts, room);
  return fmt::format("{}{}{}", line, kBetweenParts, parts.substr(0, end));
}

/// Returns how much of the phase is done as a bar, " [###-----]", of at most `columns`.
std::string bar(const Progress& now, std::size_t columns) {
  const std::size_t width = std::min(kBarWidth, columns - std::min(columns, kBarFrame));
  if (width < kLeastProgressBar) return "";
  const auto total = std::max<std::int64_t>(now.iterations, 1);
  const double done =
      std::clamp(static_cast<double>(now.iteration) / static_cast<double>(total), 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(done * static_cast<double>(width));
  return fmt::format(" [{}{}]", std::string(filled, '#'), std::string(width - filled, '-'));
}

/// Explains the figures of the partition, which every epoch after the warm-up has of each network.
std::string partition_sentence(const Recipe& recipe) {
  const bool joint = recipe.exchange == Exchange::kJoint;
  return fmt::format(
      "labelled: images whose label the partition{} takes as right; {} on these labels and without "
      "those of the rest. AUC: how well {} tells right from wrong labels, 1 without an error, 0.5 "
      "by chance, - where the true labels are not known",
      joint ? " of both networks" : " of network 1, and that of network 2,",
      joint ? "both train" : "the other network trains", joint ? "it" : "each partition");
}

}  // namespace

void print_resumed(const TrainingRun& training) {
  const std::string& from = training.resumed_from();
  say_field("resume", from.empty() ? "no checkpoint yet: from the start" : from);
}

TerminalProgress::TerminalProgress(const Recipe& recipe, const TrainingData& data, bool resumed)
    : is_terminal_(stdout_is_terminal()),
      recipe_(recipe),
      train_images_(data.dataset.train.size()),
      resumed_(resumed),
      time_(recipe, train_images_, data.dataset.test.size()),
      notice_(recipe),
      start_(Clock::now()),
      phase_start_(start_),
      epoch_start_(start_),
      last_output_(start_) {}

double TerminalProgress::seconds_since_start(Clock::time_point time) const {
  return seconds(time - start_);
}

/// Says how long the run takes; over a day, also what would make it shorter.
void TerminalProgress::say_time(const TimeEstimate& estimate) {
  if (estimate.left.seconds() < kWorthSaying) return;
  clear_bar();
  say_field("time", time_sentence(estimate, resumed_));
  const std::string shorter = shorter_sentence(recipe_, train_images_, resumed_);
  if (estimate.left.seconds() > kDaySeconds && !shorter.empty()) say_field("", shorter);
  std::fflush(stdout);
}

void TerminalProgress::on_progress(const Progress& now) {
  const Clock::time_point time = Clock::now();
  if (phase_ != std::pair(now.phase, now.network)) {
    phase_ = {now.phase, now.network};
    phase_start_ = time;
    phase_start_images_ = now.images;  // drawn before the clock started
  }
  time_.note_progress(now, seconds_since_start(time));
  if (const auto estimate = notice_.due(time_, now)) say_time(*estimate);
  if (is_terminal_) {
    if (bar_is_shown_ && time - last_output_ < kBarRedraw) return;
    say("\r\033[K" + status(now, time));
    bar_is_shown_ = true;
  } else {
    if (time - last_output_ < kPlainStatus) return;
    say(status(now, time) + "\n");
  }
  std::fflush(stdout);
  last_output_ = time;
}

/// Returns where the run is and what is left of it, on a terminal as much as a line has room for.
std::string TerminalProgress::status(const Progress& now, Clock::time_point time) const {
  // A line that filled the last column would wrap.
  const std::size_t columns = is_terminal_ ? terminal_columns() - 1 : kUnlimited;
  std::string place = fmt::format("epoch {}/{} {}", now.epoch, recipe_.num_epochs - 1, now.phase);
  std::string network = now.network > 0 ? fmt::format(" net {}", now.network) : "";
  std::string count = fmt::format(" {}/{}", now.iteration, now.iterations);
  const std::string left = fmt::format("  left {} (run {})", clock_text(time_.epoch_left()),
                                       clock_text(time_.run_left()));
  for (std::string* part : {&network, &count}) {
    if (place.size() + network.size() + count.size() + left.size() > columns) part->clear();
  }
  place += network;
  if (is_terminal_)
    place += bar(now, columns - std::min(columns, place.size() + count.size() + left.size()));
  std::vector<std::string> parts{count, left};
  const double elapsed = seconds(time - phase_start_);
  const std::int64_t images = now.images - phase_start_images_;
  if (elapsed > 0.0 && images > 0) {
    parts.push_back(fmt::format("  {:.0f} img/s", static_cast<double>(images) / elapsed));
  }
  if (!now.losses.empty()) {
    parts.push_back(fmt::format("  loss {}", total_loss(now.losses)));
    for (const std::string& term : loss_terms(now.losses)) parts.push_back("  " + term);
  }
  for (const std::string& part : parts) {
    if (place.size() + part.size() > columns) break;
    place += part;
  }
  return place;
}

/// Says the titles of the table, once and when the width of the terminal has changed; the first
/// time after what the figures of the partition are.
void TerminalProgress::say_header(std::size_t columns) {
  const std::string header = table_line({"epoch", " phase", "lr", "loss", "test %", "best %",
                                         "labelled", "AUC", "img/s", "mem GiB", "time"},
                                        "parts of the loss", columns);
  if (header == header_) return;
  if (header_.empty() && divides(recipe_)) {
    say_sentence(partition_sentence(recipe_));
    say("\n");
  }
  say(styled(header, kBold) + "\n");
  header_ = header;
}

void TerminalProgress::on_epoch(const EpochMetrics& metrics) {
  const Clock::time_point time = Clock::now();
  const double took = seconds(time - epoch_start_);
  time_.note_epoch(metrics.epoch, seconds_since_start(time));
  clear_bar();
  // Only a terminal limits the length of a line.
  const std::size_t columns = is_terminal_ ? terminal_columns() : std::string::npos;
  say_header(columns);
  std::string labelled;
  std::string auc;
  for (const NetworkMetrics& network : metrics.networks) {
    const char* separator = labelled.empty() ? "" : " ";
    labelled += fmt::format("{}{}", separator, network.selection.n_labelled);
    auc += fmt::format("{}{}", separator, number_text(network.selection.auc, 4));
  }
  const std::string line = table_line(
      {fmt::format("{}", metrics.epoch), " " + metrics.phase, fmt::format("{:.5f}", metrics.lr),
       total_loss(metrics.losses), number_text(metrics.test_acc, 2),
       number_text(metrics.best_acc, 2), labelled.empty() ? "-" : labelled, auc.empty() ? "-" : auc,
       fmt::format("{:.0f}", metrics.images_per_s), fmt::format("{:.2f}", metrics.peak_memory_gib),
       clock_text(took)},
      fmt::format("{}", fmt::join(loss_terms(metrics.losses), "  ")), columns);
  const bool is_best = metrics.test_acc >= metrics.best_acc;
  say((is_best ? styled(line, kGreen) : line) + "\n");
  std::fflush(stdout);
  last_output_ = time;
  epoch_start_ = time;
  phase_ = {};
}

void TerminalProgress::on_warning(const std::string& sentence) {
  clear_bar();
  print_warning(sentence);
}

void TerminalProgress::clear_bar() {
  if (!bar_is_shown_) return;
  say("\r\033[K");
  std::fflush(stdout);
  bar_is_shown_ = false;
}

}  // namespace bptplr
