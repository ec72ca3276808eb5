#include "engine/io/npy.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "engine/error.hpp"

namespace bptplr {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

/// Returns the text of a field of a .npy header, which is a Python dict: what lies between
/// `opening` after its name and `closing`.
std::string_view header_field(std::string_view header, std::string_view name, char opening,
                              char closing) {
  const std::size_t at = header.find(name);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = header.find(opening, at + name.size());
  if (begin == std::string_view::npos) return {};
  const std::size_t end = header.find(closing, begin + 1);
  if (end == std::string_view::npos) return {};
  return header.substr(begin + 1, end - begin - 1);
}

std::int64_t number_or_none(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

/// Returns the sides in "300,", "300, 1" or "".
Shape parse_shape(std::string_view text) {
  Shape shape;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view side = text.substr(0, comma);
    side.remove_prefix(std::min(side.find_first_not_of(' '), side.size()));
    if (!side.empty()) shape.push_back(number_or_none(side));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return shape;
}

}  // namespace

bool is_npy(std::string_view bytes) {
  return bytes.starts_with(kMagic);
}

// A header has a length field of two bytes in version 1, else of four, and is a Python dict.
NpyArray parse_npy(std::string_view bytes, const std::string& file) {
  const std::size_t length_at = kMagic.size() + 2;
  const bool is_version1 = bytes.size() > length_at && bytes[kMagic.size()] == 1;
  const std::size_t length_bytes = is_version1 ? 2 : 4;
  require(bytes.size() >= length_at + length_bytes, "{}: cut short; fetch it again", file);
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + length_at, length_bytes);
  const std::size_t begin = length_at + length_bytes;
  require(length <= bytes.size() - begin, "{}: cut short; fetch it again", file);
  const std::string_view header = bytes.substr(begin, length);
  return {header_field(header, "'descr':", '\'', '\''),
          header_field(header, "'fortran_order'", ':', ',').find("True") != std::string_view::npos,
          parse_shape(header_field(header, "'shape':", '(', ')')), bytes.substr(begin + length)};
}

}  // namespace bptplr
