// A recipe as JSON and as text.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Returns every field in JSON.
nlohmann::ordered_json to_json(const Recipe& recipe);

/// Overwrites the fields that `json` names. A recipe may hold the key "about", a line of text for
/// people. Throws Error for an unknown field, a value of the wrong type or one that is none of the
/// choices, naming `origin` (a file, say) and the field.
void update_recipe(Recipe& recipe, const nlohmann::json& json, std::string_view origin);

/// Parses "field=value field=value" as recipe fields. Throws Error naming `origin`.
nlohmann::json parse_fields(std::string_view text, std::string_view origin);

/// Parses `text` as JSON. Throws Error naming `origin` where it is none.
nlohmann::json parse_recipe_json(std::string_view text, std::string_view origin);

}  // namespace bptplr
