#include "apps/terminal/training_progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "apps/terminal/terminal.hpp"

namespace bptplr {
namespace {

constexpr std::chrono::milliseconds kRedraw(100);
constexpr std::chrono::seconds kPlainLine(30);
constexpr int kBarWidth = 20;

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

/// Returns the terms of the loss without the total, e.g. "x 1.23  u 0.04".
std::string loss_parts(const std::map<std::string, double>& losses) {
  std::string text;
  for (const auto& [name, value] : losses) {
    if (name == "loss") continue;
    const std::string_view part(name);
    text += fmt::format("{}{} {:.3f}", text.empty() ? "" : "  ",
                        part.starts_with("loss_") ? part.substr(5) : part, value);
  }
  return text;
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
/// Cells dropped from lines that are too long, in this order: memory, images per second, lr.
constexpr std::array<std::size_t, 3> kExpendable{9, 8, 2};
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
  constexpr std::string_view kGap = "  ";
  if (line.size() + kGap.size() + kLeastParts > columns) return line;
  const std::size_t room = columns - line.size() - kGap.size();
  // Terms are cut only between figures: a truncated figure would be wrong.
  const std::size_t end = parts.size() <= room ? parts.size() : parts.rfind(kGap, room);
  return fmt::format("{}{}{}", line, kGap, parts.substr(0, end));
}

/// Estimates the cost of an epoch after the warm-up in epochs of the warm-up. Counts forward passes
/// of a sample, a backward pass being two: 6 without gradient and 3 for each of 4 mixed views and
/// of the contrastive loss's views, against 3 for the weak view and 3 for each of two strong ones.
/// One pass over the labelled set is assumed to be half of the samples.
double cost_against_warm_up(const Recipe& recipe) {
  const double contrastive = recipe.contrastive == ContrastKind::kNone     ? 0.0
                             : recipe.contrastive == ContrastKind::kSimClr ? 2.0
                                                                           : 4.0;
  const double share = recipe.epoch_length == EpochLength::kAll ? 1.0 : 0.5;
  const double warm_up = recipe.warm_up_contrastive == WarmUpContrastive::kNone ? 3.0 : 9.0;
  return share * (6.0 + 3.0 * (4.0 + contrastive)) / warm_up;
}

}  // namespace

void print_resumed(const TrainingRun& training) {
  const std::string& from = training.resumed_from();
  fmt::print("resume    {}\n", from.empty() ? "no checkpoint yet: from the start" : from);
}

TerminalProgress::TerminalProgress(const Recipe& recipe)
    : is_terminal_(stdout_is_terminal()),
      num_epochs_(recipe.num_epochs),
      networks_(recipe.networks),
      stages_(divides(recipe) ? stages_of(recipe) : std::vector<Stage>()),
      main_epoch_cost_(cost_against_warm_up(recipe)),
      phase_start_(Clock::now()),
      epoch_start_(phase_start_),
      last_output_(phase_start_) {}

void TerminalProgress::on_progress(const Progress& now) {
  const Clock::time_point time = Clock::now();
  if (phase_ != std::pair(now.phase, now.network)) {
    phase_ = {now.phase, now.network};
    phase_start_ = time;
    phase_start_images_ = now.images;  // drawn before the clock started
  }
  if (is_terminal_) {
    if (bar_is_shown_ && time - last_output_ < kRedraw) return;
    std::string line = status(now, time);
    line.resize(std::min(line.size(), terminal_columns() - 1));
    say("\r\033[K" + line);
    bar_is_shown_ = true;
  } else {
    if (time - last_output_ < kPlainLine) return;
    say(status(now, time) + "\n");
  }
  std::fflush(stdout);
  last_output_ = time;
}

std::string TerminalProgress::status(const Progress& now, Clock::time_point time) const {
  const auto total = std::max<std::int64_t>(now.iterations, 1);
  const double done =
      std::clamp(static_cast<double>(now.iteration) / static_cast<double>(total), 0.0, 1.0);
  const double elapsed = seconds(time - phase_start_);
  const double epoch_left = epoch_seconds_left(now, time);
  std::string text = fmt::format("epoch {}/{} {}", now.epoch, num_epochs_ - 1, now.phase);
  if (now.network > 0) text += fmt::format(" net {}", now.network);
  if (is_terminal_) {
    const auto filled = static_cast<std::size_t>(done * kBarWidth);
    text += fmt::format(" [{}{}]", std::string(filled, '#'), std::string(kBarWidth - filled, '-'));
  }
  text += fmt::format(" {}/{}", now.iteration, now.iterations);
  const std::int64_t images = now.images - phase_start_images_;
  if (elapsed > 0.0 && images > 0) {
    text += fmt::format("  {:.0f} img/s", static_cast<double>(images) / elapsed);
  }
  text += fmt::format("  left {} (run {})", clock_text(epoch_left),
                      clock_text(run_seconds_left(now, epoch_left)));
  if (!now.losses.empty()) {
    text += fmt::format("  loss {}  {}", total_loss(now.losses), loss_parts(now.losses));
  }
  return text;
}

bool TerminalProgress::is_warm_up(std::int64_t epoch) const {
  return std::ranges::any_of(stages_, [&](const Stage& stage) {
    return epoch >= stage.first_epoch && epoch < stage.warm_up_end();
  });
}

std::int64_t TerminalProgress::warm_up_epochs_after(std::int64_t epoch) const {
  std::int64_t epochs = 0;
  for (const Stage& stage : stages_) {
    epochs +=
        std::max<std::int64_t>(stage.warm_up_end() - std::max(stage.first_epoch, epoch + 1), 0);
  }
  return epochs;
}

double TerminalProgress::epoch_seconds_left(const Progress& now, Clock::time_point time) const {
  const double elapsed = seconds(time - epoch_start_);
  const auto last = last_epoch_seconds_.find(is_warm_up(now.epoch));
  if (last != last_epoch_seconds_.end()) {
    return std::max(last->second - elapsed, phase_seconds_left(now, time));
  }
  const bool is_main_epoch = !stages_.empty() && !is_warm_up(now.epoch);
  if (is_main_epoch && last_epoch_seconds_.contains(true)) {
    return std::max(main_epoch_seconds() - elapsed, phase_seconds_left(now, time));
  }
  // In the very first epoch, networks are assumed to take equally long.
  if (now.iteration <= 0 || now.iterations <= 0) return -1.0;
  const double networks = now.network > 0 ? static_cast<double>(networks_) : 1.0;
  const double before = std::max(now.network, 1) - 1;
  const double part = static_cast<double>(now.iteration) / static_cast<double>(now.iterations);
  const double done = (before + part) / networks;
  return elapsed * (1.0 - done) / done;
}

/// Uses the rate so far, as an epoch may be slower than the last one.
double TerminalProgress::phase_seconds_left(const Progress& now, Clock::time_point time) const {
  if (now.iteration <= 0) return 0.0;
  return seconds(time - phase_start_) *
         static_cast<double>(std::max<std::int64_t>(now.iterations - now.iteration, 0)) /
         static_cast<double>(now.iteration);
}

double TerminalProgress::main_epoch_seconds() const {
  const auto measured = last_epoch_seconds_.find(false);
  if (measured != last_epoch_seconds_.end()) return measured->second;
  const auto warm_up = last_epoch_seconds_.find(true);
  return warm_up == last_epoch_seconds_.end() ? -1.0 : warm_up->second * main_epoch_cost_;
}

double TerminalProgress::run_seconds_left(const Progress& now, double epoch_left) const {
  const std::int64_t later = num_epochs_ - now.epoch - 1;
  const std::int64_t later_warm_up = warm_up_epochs_after(now.epoch);
  const double main_seconds = main_epoch_seconds();
  const auto warm_up = last_epoch_seconds_.find(true);
  if (epoch_left < 0.0 || (later > later_warm_up && main_seconds < 0.0)) return -1.0;
  if (later_warm_up > 0 && warm_up == last_epoch_seconds_.end()) return -1.0;
  double left =
      epoch_left + static_cast<double>(later - later_warm_up) * std::max(main_seconds, 0.0);
  if (later_warm_up > 0) left += static_cast<double>(later_warm_up) * warm_up->second;
  return left;
}

void TerminalProgress::on_epoch(const EpochMetrics& metrics) {
  const Clock::time_point time = Clock::now();
  const double took = seconds(time - epoch_start_);
  last_epoch_seconds_[is_warm_up(metrics.epoch)] = took;
  clear_bar();
  // Only a terminal limits the length of a line.
  const std::size_t columns = is_terminal_ ? terminal_columns() : std::string::npos;
  const std::string header = table_line({"epoch", " phase", "lr", "loss", "test %", "best %",
                                         "labelled", "AUC", "img/s", "mem GiB", "time"},
                                        "parts of the loss", columns);
  // Printed again when the width of the terminal has changed.
  if (header != header_) say(styled(header, kBold) + "\n");
  header_ = header;
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
      loss_parts(metrics.losses), columns);
  const bool is_best = metrics.test_acc >= metrics.best_acc;
  say((is_best ? styled(line, kGreen) : line) + "\n");
  std::fflush(stdout);
  last_output_ = time;
  epoch_start_ = time;
  phase_ = {};
}

void TerminalProgress::on_warning(const std::string& sentence) {
  clear_bar();
  fmt::print(stderr, "bptplr: warning: {}\n", sentence);
}

void TerminalProgress::clear_bar() {
  if (!bar_is_shown_) return;
  say("\r\033[K");
  std::fflush(stdout);
  bar_is_shown_ = false;
}

}  // namespace bptplr
