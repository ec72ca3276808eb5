// Parsing of numbers and lists in the text fields of a recipe.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bptplr {

/// Returns the parts of `text` between separators; none for an empty text.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Reads the whole of `text` as a number; returns whether it is one.
template <class T>
bool parse_number(std::string_view text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

/// Parses decimal digits with an optional minus; nullopt unless they fit 64 bits.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// Parses "a,b,c" as integers. Throws Error naming `field`.
std::vector<std::int64_t> parse_integers(std::string_view text, std::string_view field);

/// Returns "; did you mean 'NAME'?" with the most similar of `names`, before which `prefix` is put;
/// empty where none is similar. Case, and - for _, do not count.
std::string did_you_mean(std::string_view word, std::span<const std::string> names,
                         std::string_view prefix = "");

}  // namespace bptplr
