// Parses and writes JSON. Instantiating the library's parser and writer takes seconds in every
// source that calls them; these functions are compiled once.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace bptplr {

/// Parses JSON. Throws nlohmann::json::exception, which says where `text` is invalid.
nlohmann::json parse_json(std::string_view text);
/// Parse JSON; return a discarded value (is_object(), is_array(), ... are false) for invalid text.
nlohmann::json parse_json_or_none(std::string_view text);
nlohmann::ordered_json parse_ordered_json_or_none(std::string_view text);

/// Return JSON on one line, or indented by `indent` blanks. Bytes that are not UTF-8 are replaced.
std::string to_text(const nlohmann::json& json, int indent = -1);
std::string to_text(const nlohmann::ordered_json& json, int indent = -1);
/// Returns JSON on one line, with \u escapes for everything but ASCII.
std::string to_ascii(const nlohmann::ordered_json& json);

}  // namespace bptplr
