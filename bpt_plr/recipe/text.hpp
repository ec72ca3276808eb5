// Numbers and lists in the text fields of a recipe.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace bptplr {

/// Returns the parts of `text` between its separators; none for an empty text.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Reads the number that the whole of `text` is; returns whether it is one.
template <class T>
bool parse_number(std::string_view text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

/// Parses decimal digits, with or without a minus, that 64 bits hold; else returns nothing.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// Parses "a,b,c" as integers. Throws Error naming `field`.
std::vector<std::int64_t> parse_integers(std::string_view text, std::string_view field);

}  // namespace bptplr
