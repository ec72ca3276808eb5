#include "apps/terminal/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bptplr {

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

void say(const std::string& text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stdout));
}

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string number_text(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : "-";
}

}  // namespace bptplr
