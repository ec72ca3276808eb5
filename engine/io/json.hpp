// JSON as text. The library's parser and writer take seconds to compile in each source that calls
// them; behind these functions they are compiled once.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace bptplr {

/// Throws nlohmann::json::exception, which says where `text` is no JSON.
nlohmann::json parse_json(std::string_view text);
/// The same, but a value of no type (is_object(), is_array(), ... are false) where it is no JSON.
nlohmann::json parse_json_or_none(std::string_view text);
nlohmann::ordered_json parse_ordered_json_or_none(std::string_view text);

/// In one line, or indented by so many blanks a level. Bytes that are no UTF-8 are replaced.
std::string to_text(const nlohmann::json& json, int indent = -1);
std::string to_text(const nlohmann::ordered_json& json, int indent = -1);
/// In one line, all but ASCII as \u escapes.
std::string to_ascii(const nlohmann::ordered_json& json);

}  // namespace bptplr
