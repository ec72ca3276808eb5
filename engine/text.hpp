// Makes text from outside (names of files and classes, values of recipes) fit to be shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bptplr {

/// Returns `text` with everything escaped that would act on a terminal in place of being shown, or
/// hide what is: control characters (\n, \x1b, \u{9b}), marks of the direction of text (\u{202e})
/// and bytes that are not UTF-8 (\xff).
std::string printable(std::string_view text);

/// Returns `text`; if it is longer than `most` bytes, its beginning and end, with the number of
/// bytes left out between them.
std::string shortened(std::string_view text, std::size_t most);

/// Returns `text` as it may be quoted in a sentence: printable, and at most about 80 bytes.
std::string quotable(std::string_view text);

/// Returns a sentence as it may be shown: printable, and short even if it quotes megabytes.
std::string sentence_of(std::string_view text);

}  // namespace bptplr
