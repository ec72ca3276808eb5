// Writes text and figures to stdout.
#pragma once

#include <cstddef>
#include <string>

namespace bptplr {

/// Returns whether stdout is a terminal that supports escape codes.
bool stdout_is_terminal();
/// Returns whether TERM promises support of escape codes: it is neither missing nor "dumb".
bool obeys_escapes();

inline constexpr const char* kBold = "\033[1m";
inline constexpr const char* kGreen = "\033[32m";
/// Returns `text` in `style` if stdout is such a terminal and the user has not disabled colour.
std::string styled(const std::string& text, const char* style);

/// Writes to stdout. Text that cannot be written (full disk, closed pipe) is lost without an error,
/// which would stop training; `main` reports it at the end.
void say(const std::string& text);

/// Returns the width of the terminal in columns; 80 if unknown.
std::size_t terminal_columns();

/// Formats a number with `decimals` decimals; "-" if it is not finite.
std::string number_text(double value, int decimals);

}  // namespace bptplr
