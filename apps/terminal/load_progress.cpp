#include "apps/terminal/load_progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "apps/terminal/terminal.hpp"

namespace bptplr {
namespace {

constexpr std::chrono::milliseconds kRedraw(100);
constexpr std::chrono::seconds kPlainLine(30);
constexpr std::int64_t kShownWarnings = 20;

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

void LoadProgress::clear_line() {
  if (line_is_shown_) write_to_stderr("\r\033[K");
  line_is_shown_ = false;
}

void LoadProgress::progress(std::int64_t done, std::int64_t total) {
  signal_.check();
  if (!prints_text()) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_output_ < (is_terminal_ ? kRedraw : kPlainLine)) return;
  clear_line();
  write_to_stderr(fmt::format("{} {}/{}{}", doing_, done, total, is_terminal_ ? "" : "\n"));
  line_is_shown_ = is_terminal_;
  last_output_ = now;
}

void LoadProgress::warning(const std::string& sentence) {
  if (++warnings_ > kShownWarnings) return;
  clear_line();
  print_warning(sentence);
}

}  // namespace bptplr
