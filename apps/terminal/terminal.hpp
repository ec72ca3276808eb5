// What stdout is written to, and how to write figures there.
#pragma once

#include <cstddef>
#include <string>

namespace bptplr {

/// Whether stdout is a terminal that understands escape codes.
bool stdout_is_terminal();
/// Whether terminals here do more than print: TERM is neither missing nor "dumb".
bool obeys_escapes();

inline constexpr const char* kBold = "\033[1m";
inline constexpr const char* kGreen = "\033[32m";
/// `text` in that style, where stdout is such a terminal and the user has not asked for no colour.
std::string styled(const std::string& text, const char* style);

/// Writes to stdout. What cannot be written, because a disk is full or a reader is gone, is lost,
/// which `main` says at the end: it is no reason to stop training.
void say(const std::string& text);

/// Columns of that terminal; 80 where it does not tell.
std::size_t terminal_columns();

/// A number with so many decimals, "-" where it is not finite.
std::string number_text(double value, int decimals);

}  // namespace bptplr
