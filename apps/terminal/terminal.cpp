#include "apps/terminal/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "apps/terminal/text_layout.hpp"
#include "engine/io/json.hpp"
#include "engine/text.hpp"

namespace bptplr {
namespace {

/// Columns where nothing says how many there are.
constexpr std::size_t kUsualColumns = 80;

/// Returns the columns that COLUMNS says, else those of the terminal behind `file`, else 80.
std::size_t columns_of(int file) {
  const char* asked = std::getenv("COLUMNS");
  const long columns = asked == nullptr ? 0 : std::strtol(asked, nullptr, 10);
  if (columns > 0 && columns < 100'000) return static_cast<std::size_t>(columns);
  winsize size{};
  const bool known = ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualColumns;
}

LogFormat output_format = LogFormat::kText;
bool is_quiet = false;
bool prints_nothing_else = false;  ///< but errors

void write(const std::string& text) {
  if (prints_nothing_else) return;
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stdout));
}

void print_problem(const char* kind, const std::string& sentence) {
  const std::string text = fmt::format("bptplr: {}: {}", kind, sentence_of(sentence));
  write_to_stderr(wrap(text, line_columns(STDERR_FILENO), 2) + "\n");
}

}  // namespace

void write_to_stderr(const std::string& text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
  std::fflush(stderr);
}

bool obeys_escapes() {
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) != "dumb";
}

bool stdout_is_terminal() {
  return isatty(STDOUT_FILENO) == 1 && obeys_escapes();
}

std::string styled(const std::string& text, const char* style) {
  // https://no-color.org: any non-empty value disables colour.
  const char* no_colour = std::getenv("NO_COLOR");
  const bool welcome = no_colour == nullptr || *no_colour == '\0';
  return stdout_is_terminal() && welcome ? fmt::format("{}{}\033[0m", style, text) : text;
}

void set_output(LogFormat format, bool quiet) {
  output_format = format;
  is_quiet = quiet;
}

void print_nothing_but_errors() {
  prints_nothing_else = true;
}

bool prints_errors_only() {
  return prints_nothing_else;
}

bool prints_text() {
  return output_format == LogFormat::kText && !is_quiet && !prints_nothing_else;
}

bool prints_json() {
  return output_format == LogFormat::kJson && !prints_nothing_else;
}

void say_event(const char* name, const nlohmann::ordered_json& fields) {
  nlohmann::ordered_json event{{"event", name}};
  event.update(fields);
  write(to_text(event) + "\n");
  std::fflush(stdout);
}

void say_last(const std::string& line) {
  if (!prints_json()) write(wrap(printable(line), line_columns(STDOUT_FILENO)) + "\n");
}

void say(const std::string& text) {
  if (prints_text()) write(text);
}

std::size_t terminal_columns() {
  return columns_of(STDOUT_FILENO);
}

std::size_t line_columns(int file) {
  return isatty(file) == 1 ? columns_of(file) : kUnlimited;
}

void say_field(const std::string& name, const std::string& text, std::size_t width) {
  say(wrap(fit(name, width) + printable(text), line_columns(STDOUT_FILENO), width) + "\n");
}

void say_table(const std::vector<TableColumn>& table,
               const std::vector<std::vector<std::string>>& rows, const std::string& title,
               const std::vector<std::string>& paths) {
  const std::size_t columns = terminal_columns();
  std::vector<std::string> lines = table_lines(table, rows, columns);
  std::size_t line = 0;
  for (const std::string& of : lines) line = std::max(line, width_of(of));
  std::size_t path = width_of(title);
  for (const std::string& of : paths) path = std::max(path, width_of(printable(of)));
  const bool beside = line + 2 + path <= columns || !stdout_is_terminal();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string below = i == 0 || paths.empty() ? "" : printable(paths[i - 1]);
    std::string text = lines[i];
    if (!paths.empty() && beside) text = fit(text, line) + "  " + (i == 0 ? title : below);
    say((i == 0 ? styled(text, kBold) : text) + "\n");
    if (!below.empty() && !beside) say("    " + below + "\n");
  }
}

void say_sentence(const std::string& sentence) {
  say(wrap(printable(sentence), line_columns(STDOUT_FILENO)) + "\n");
}

void print_warning(const std::string& sentence) {
  if (prints_nothing_else) return;
  if (prints_json()) {
    say_event("warning", {{"text", sentence}});
  } else {
    print_problem("warning", sentence);
  }
}

void print_error(const std::string& sentence) {
  print_problem("error", sentence);
}

std::string number_text(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : "-";
}

}  // namespace bptplr
