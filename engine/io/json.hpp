// Parses and writes JSON. Instantiating the library's parser and writer takes seconds in every
// source that calls them; these functions are compiled once.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace bptplr {

/// Parses JSON. Throws Error, which names `origin` and says where `text` is invalid or nested
/// deeper than kMaxJsonDepth, as what handles a value is recursive.
nlohmann::json parse_json(std::string_view text, std::string_view origin = "the text");
/// Parse JSON; return a discarded value (is_object(), is_array(), ... are false) for such text.
nlohmann::json parse_json_or_none(std::string_view text);
nlohmann::ordered_json parse_ordered_json_or_none(std::string_view text);

/// Deepest nesting of arrays and objects that is read; none of our files has more than 10.
inline constexpr int kMaxJsonDepth = 100;

/// Return JSON on one line, or indented by `indent` blanks. Bytes that are not UTF-8 are replaced;
/// characters that a terminal would obey are written as \u escapes.
std::string to_text(const nlohmann::json& json, int indent = -1);
std::string to_text(const nlohmann::ordered_json& json, int indent = -1);
/// Returns JSON on one line, with \u escapes for everything but ASCII.
std::string to_ascii(const nlohmann::ordered_json& json);
/// Returns what a parser or reader says is wrong, without its own number for it.
std::string without_prefix(std::string_view what);
/// Returns a value as it may be quoted in a sentence, cut if it is long.
std::string quoted_json(const nlohmann::json& json);

}  // namespace bptplr
