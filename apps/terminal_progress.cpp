#include "apps/terminal_progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bptplr {
namespace {

constexpr std::chrono::milliseconds kRedraw(100);
constexpr std::chrono::seconds kPlainLine(30);
constexpr int kBarWidth = 20;

bool stdout_is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

/// https://no-color.org: any value but an empty one asks for no colour.
bool colour_is_welcome() {
  const char* no_colour = std::getenv("NO_COLOR");
  return no_colour == nullptr || *no_colour == '\0';
}

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

double seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// "0:07", "12:34", "1:02:03"; "?" where unknown.
std::string clock_text(double duration) {
  if (!(duration >= 0.0)) return "?";
  const auto total = static_cast<std::int64_t>(std::lround(duration));
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

std::string number_text(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : "-";
}

/// The parts of the loss without the total, e.g. "x 1.23  u 0.04".
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

/// What a sample of an epoch after the warm-up costs, in what one of the warm-up costs. Counted in
/// forward passes, a backward pass being two: 6 without gradient and 8 * 3 with, against 3 for the
/// weak view and 3 for each of two strong ones.
double cost_against_warm_up(const Recipe& recipe) {
  return 30.0 / (recipe.warm_up_contrastive == "none" ? 3.0 : 9.0);
}

}  // namespace

TerminalProgress::TerminalProgress(const Recipe& recipe)
    : is_terminal_(stdout_is_terminal()),
      has_colour_(is_terminal_ && colour_is_welcome()),
      num_epochs_(recipe.num_epochs),
      warm_up_(divides(recipe) ? std::min(recipe.warm_up, recipe.num_epochs) : 0),
      main_epoch_cost_(cost_against_warm_up(recipe)),
      phase_start_(Clock::now()),
      epoch_start_(phase_start_),
      last_output_(phase_start_) {}

void TerminalProgress::progress(const Progress& now) {
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
    fmt::print("\r\033[K{}", line);
    bar_is_shown_ = true;
  } else {
    if (time - last_output_ < kPlainLine) return;
    fmt::print("{}\n", status(now, time));
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

double TerminalProgress::epoch_seconds_left(const Progress& now, Clock::time_point time) const {
  const double elapsed = seconds(time - epoch_start_);
  const auto last = last_epoch_seconds_.find(now.epoch < warm_up_);
  if (last != last_epoch_seconds_.end()) {
    return std::max(last->second - elapsed, phase_seconds_left(now, time));
  }
  const bool is_main_epoch = now.epoch >= warm_up_ && warm_up_ > 0;
  if (is_main_epoch && last_epoch_seconds_.contains(true)) {
    return std::max(main_epoch_seconds() - elapsed, phase_seconds_left(now, time));
  }
  // The very first epoch: its networks take equally long.
  if (now.iteration <= 0 || now.iterations <= 0) return -1.0;
  const double networks = now.network > 0 && warm_up_ > 0 ? 2.0 : 1.0;
  const double before = std::max(now.network, 1) - 1;
  const double part = static_cast<double>(now.iteration) / static_cast<double>(now.iterations);
  const double done = (before + part) / networks;
  return elapsed * (1.0 - done) / done;
}

/// At the rate so far; an epoch may be slower than the last one.
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
  const std::int64_t later_warm_up = std::clamp<std::int64_t>(warm_up_ - now.epoch - 1, 0, later);
  const double main_seconds = main_epoch_seconds();
  const auto warm_up = last_epoch_seconds_.find(true);
  if (epoch_left < 0.0 || (later > later_warm_up && main_seconds < 0.0)) return -1.0;
  if (later_warm_up > 0 && warm_up == last_epoch_seconds_.end()) return -1.0;
  double left =
      epoch_left + static_cast<double>(later - later_warm_up) * std::max(main_seconds, 0.0);
  if (later_warm_up > 0) left += static_cast<double>(later_warm_up) * warm_up->second;
  return left;
}

void TerminalProgress::epoch(const EpochMetrics& metrics) {
  const Clock::time_point time = Clock::now();
  const double took = seconds(time - epoch_start_);
  last_epoch_seconds_[metrics.epoch < warm_up_] = took;
  clear_bar();
  if (!header_is_shown_) {
    const std::string header =
        fmt::format("{:>5}  {:<8} {:>8} {:>9} {:>7} {:>7} {:>13} {:>13} {:>8} {:>7} {:>8}  {}",
                    "epoch", "phase", "lr", "loss", "test %", "best %", "labelled", "AUC", "img/s",
                    "mem GiB", "time", "parts of the loss");
    fmt::print("{}\n", styled(header, "\033[1m"));
    header_is_shown_ = true;
  }
  std::string labelled;
  std::string auc;
  for (const NetworkMetrics& network : metrics.networks) {
    const char* separator = labelled.empty() ? "" : " ";
    labelled += fmt::format("{}{}", separator, network.selection.n_labelled);
    auc += fmt::format("{}{}", separator, number_text(network.selection.auc, 4));
  }
  const std::string line = fmt::format(
      "{:>5}  {:<8} {:>8.5f} {:>9} {:>7} {:>7} {:>13} {:>13} {:>8.0f} {:>7.2f} {:>8}  {}",
      metrics.epoch, metrics.phase, metrics.lr, total_loss(metrics.losses),
      number_text(metrics.test_acc, 2), number_text(metrics.best_acc, 2),
      labelled.empty() ? "-" : labelled, auc.empty() ? "-" : auc, metrics.images_per_s,
      metrics.peak_memory_gib, clock_text(took), loss_parts(metrics.losses));
  const bool is_best = metrics.test_acc >= metrics.best_acc;
  fmt::print("{}\n", is_best ? styled(line, "\033[32m") : line);
  std::fflush(stdout);
  last_output_ = time;
  epoch_start_ = time;
  phase_ = {};
}

void TerminalProgress::warning(const std::string& sentence) {
  clear_bar();
  fmt::print(stderr, "bptplr: warning: {}\n", sentence);
}

void TerminalProgress::clear_bar() {
  if (!bar_is_shown_) return;
  fmt::print("\r\033[K");
  std::fflush(stdout);
  bar_is_shown_ = false;
}

std::string TerminalProgress::styled(const std::string& text, const char* style) const {
  return has_colour_ ? fmt::format("{}{}\033[0m", style, text) : text;
}

}  // namespace bptplr
