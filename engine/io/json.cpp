#include "engine/io/json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/error.hpp"

namespace bptplr {
namespace {

constexpr auto kReplace = nlohmann::json::error_handler_t::replace;

/// Returns the position of the first bracket nested deeper than kMaxJsonDepth; npos if there is
/// none.
std::size_t too_deep_at(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return i;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return std::string_view::npos;
}

bool is_too_deep(std::string_view text) {
  return too_deep_at(text) != std::string_view::npos;
}

/// Escapes the characters in JSON text, where they are within strings, that JSON leaves as they are
/// and terminals obey: DEL, C1 (C2 80 to C2 9F) and the marks of the direction of text.
std::string without_commands(std::string text) {
  const auto is_mark = [&](std::size_t i) {
    const std::string_view mark = std::string_view(text).substr(i, 3);
    return (mark >= "\xe2\x80\x8e" && mark <= "\xe2\x80\x8f") ||
           (mark >= "\xe2\x80\xa8" && mark <= "\xe2\x80\xae") ||
           (mark >= "\xe2\x81\xa6" && mark <= "\xe2\x81\xa9");
  };
  for (std::size_t i = text.find_first_of("\x7f\xc2\xe2"); i != std::string::npos;
       i = text.find_first_of("\x7f\xc2\xe2", i + 1)) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    if (text[i] == '\x7f') {
      text.replace(i, 1, "\\u007f");
    } else if (text[i] == '\xc2' && byte(i + 1) < 0xa0) {
      text.replace(i, 2, fmt::format("\\u{:04x}", byte(i + 1)));
    } else if (text[i] == '\xe2' && is_mark(i)) {
      const unsigned code = 0x2000U | (byte(i + 1) & 0x3fU) << 6 | (byte(i + 2) & 0x3fU);
      text.replace(i, 3, fmt::format("\\u{:04x}", code));
    }
  }
  return text;
}

}  // namespace

nlohmann::json parse_json(std::string_view text, std::string_view origin) {
  const std::size_t deep = too_deep_at(text);
  require(deep == std::string_view::npos,
          "{} is not valid JSON here: at byte {} it is nested deeper than {} levels", origin, deep,
          kMaxJsonDepth);
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {  // a number too large is no parse_error
    throw Error("{} is not valid JSON: {}", origin, shortened(without_prefix(error.what()), 200));
  }
}

nlohmann::json parse_json_or_none(std::string_view text) {
  if (is_too_deep(text)) return nlohmann::json::value_t::discarded;
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

nlohmann::ordered_json parse_ordered_json_or_none(std::string_view text) {
  if (is_too_deep(text)) return nlohmann::ordered_json::value_t::discarded;
  return nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::string to_text(const nlohmann::json& json, int indent) {
  return without_commands(json.dump(indent, ' ', false, kReplace));
}

std::string to_text(const nlohmann::ordered_json& json, int indent) {
  return without_commands(json.dump(indent, ' ', false, kReplace));
}

std::string to_ascii(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/true, kReplace);
}

std::string without_prefix(std::string_view what) {
  if (!what.starts_with("[json."))
    return std::string(what);  // "[json.exception.type_error.304] ..."
  what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
  return std::string(what);
}

std::string quoted_json(const nlohmann::json& json) {
  return quotable(to_text(json));
}

}  // namespace bptplr
