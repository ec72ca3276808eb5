// Conversion of a recipe to and from JSON and text.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Returns all fields as JSON.
nlohmann::ordered_json to_json(const Recipe& recipe);

/// Overwrites the fields that `json` names. The key "about", a line of text for the reader, is
/// ignored. Throws Error for an unknown field, a value of the wrong type or one that is not among
/// the choices, naming `origin` (such as a file) and the field.
void update_recipe(Recipe& recipe, const nlohmann::json& json, std::string_view origin);

/// Parses "field=value field=value" as recipe fields. Throws Error naming `origin`.
nlohmann::json parse_fields(std::string_view text, std::string_view origin);

}  // namespace bptplr
