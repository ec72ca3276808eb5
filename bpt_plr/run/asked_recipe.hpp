// The recipe of a run that is asked for: by a built-in recipe or a file, by fields, or by going on
// with a run.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bpt_plr/recipe/other_data.hpp"
#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Returns the recipe `base` (a built-in one or a JSON file; empty: none) with the fields of
/// `given`. With `resume` and a run in the folder `out` of `given`, they change that run's recipe,
/// except what counts for one call (max_hours, log_format, quiet). `left_out` receives the fields
/// of `base` that yield to other data. Throws Error as compose_recipe does. Not resolved.
Recipe asked_recipe(const std::string& base, const nlohmann::json& given, bool resume,
                    LeftOut& left_out);

}  // namespace bptplr
