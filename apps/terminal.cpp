#include "apps/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <string_view>

namespace bptplr {

bool stdout_is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

std::string styled(const std::string& text, const char* style) {
  // https://no-color.org: any value but an empty one asks for no colour.
  const char* no_colour = std::getenv("NO_COLOR");
  const bool welcome = no_colour == nullptr || *no_colour == '\0';
  return stdout_is_terminal() && welcome ? fmt::format("{}{}\033[0m", style, text) : text;
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
