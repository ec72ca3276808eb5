#include "engine/text.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace bptplr {
namespace {

constexpr std::size_t kQuoted = 80;
/// Longest sentence; those of the program have at most a few hundred bytes without what they quote.
constexpr std::size_t kSentence = 2000;

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  ///< 0: not UTF-8
};

/// Returns the first character of a text that is not empty, by the table of well-formed UTF-8 in
/// the Unicode Standard (3-7).
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t code = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast[bytes] || code > 0x10ffff || is_surrogate) return {};
  return {code, bytes};
}

/// Returns whether a character acts (C0, DEL, C1), breaks a line, or changes the order of others.
bool is_hidden(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c ||
         (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string escape(std::uint32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return code < 0x80 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{{{:x}}}", code);
  }
}

/// Returns the largest size up to `size` at which no UTF-8 character is cut.
std::size_t whole_characters(std::string_view text, std::size_t size) {
  while (size > 0 && size < text.size() && (text[size] & 0xc0) == 0x80) --size;
  return size;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.bytes == 0) {
      shown += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[0]));
    } else if (is_hidden(character.code)) {
      shown += escape(character.code);
    } else {
      shown += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes == 0 ? 1 : character.bytes);
  }
  return shown;
}

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  const std::size_t begin = whole_characters(text, most * 2 / 3);
  const std::size_t end = whole_characters(text, text.size() - most / 3);
  return fmt::format("{}... ({} bytes) ...{}", text.substr(0, begin), end - begin,
                     text.substr(end));
}

std::string quotable(std::string_view text) {
  return printable(shortened(text, kQuoted));
}

std::string sentence_of(std::string_view text) {
  return printable(shortened(text, kSentence));
}

}  // namespace bptplr
