#include "apps/terminal/load_progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "apps/terminal/terminal.hpp"
#include "apps/terminal/text_layout.hpp"
#include "bpt_plr/run/run_time.hpp"

namespace bptplr {
namespace {

constexpr std::chrono::milliseconds kRedraw(100);
constexpr std::chrono::seconds kPlainLine(30);
constexpr std::int64_t kShownWarnings = 20;
/// Time after which an estimate of what is left is worth something.
constexpr std::chrono::seconds kEstimateAfter(5);

/// A terminal shows one counting line at a time, whichever of the works of a command it is of.
bool line_is_shown = false;

void clear_line() {
  if (line_is_shown) write_to_stderr("\r\033[K");
  line_is_shown = false;
}

}  // namespace

LoadProgress::LoadProgress(const StopSignal& signal, std::string doing)
    : signal_(signal),
      doing_(std::move(doing)),
      is_terminal_(isatty(STDERR_FILENO) == 1 && obeys_escapes()),
      last_output_(std::chrono::steady_clock::now()) {}

LoadProgress::~LoadProgress() {
  clear_line();
  if (warnings_ > kShownWarnings) {
    print_warning(fmt::format("{} more such files; `bptplr data check` names all",
                              warnings_ - kShownWarnings));
  }
}

LoadReport LoadProgress::report() {
  return {[this](std::int64_t done, std::int64_t total) { progress(done, total); },
          [this](const std::string& sentence) { warning(sentence); }};
}

void LoadProgress::progress(std::int64_t done, std::int64_t total) {
  signal_.check();
  if (!prints_text()) return;
  const auto now = std::chrono::steady_clock::now();
  if (done < done_ || total != total_) {  // other work begins
    begun_ = now;
    first_ = done;
    total_ = total;
  }
  done_ = done;
  if (now - last_output_ < (is_terminal_ ? kRedraw : kPlainLine)) return;
  clear_line();
  const std::string counts = fmt::format("{} {}/{}", doing_, done, total);
  const std::string line = counts + time_left(now);
  const bool fits = width_of(line) < line_columns(STDERR_FILENO);
  write_to_stderr((fits ? line : counts) + (is_terminal_ ? "" : "\n"));
  line_is_shown = is_terminal_;
  last_output_ = now;
}

/// Returns ", about 3 min left" once that can be told.
std::string LoadProgress::time_left(std::chrono::steady_clock::time_point now) const {
  const std::chrono::duration<double> passed = now - begun_;
  if (passed < kEstimateAfter || done_ <= first_ || done_ >= total_) return "";
  const double left =
      passed.count() * static_cast<double>(total_ - done_) / static_cast<double>(done_ - first_);
  return fmt::format(", about {} left", duration_text(left));
}

void LoadProgress::warning(const std::string& sentence) {
  if (++warnings_ > kShownWarnings) return;
  clear_line();
  print_warning(sentence);
}

}  // namespace bptplr
