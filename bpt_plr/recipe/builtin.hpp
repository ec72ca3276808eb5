// The recipes and methods that are part of the program, and how a recipe is put together from them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// A JSON file of the folder recipes or methods: its name, one line about it, and the fields that
/// differ from the defaults.
struct BuiltinRecipe {
  const char* name;
  const char* help;
  const char* json;
};
/// Returns the names for `--recipe`: what suits a data set and its noise.
const std::vector<BuiltinRecipe>& builtin_recipes();
/// Returns the names for `--method`. The key "presets" holds, by preset, fields that differ in it;
/// "preset" the usual one, where that is not "paper".
const std::vector<BuiltinRecipe>& builtin_methods();
/// Returns the names of these.
std::vector<std::string> method_names();

/// Returns the recipe of a method: defaults, its fields, and those of its preset (nothing: its
/// usual one). Throws Error for a method or preset that there is not.
Recipe method_recipe(const std::string& method, std::optional<Preset> preset = {});

/// Returns the fields of a built-in recipe or of a JSON file. Throws Error when there is no such
/// recipe, or the file is not JSON.
nlohmann::json read_recipe(const std::string& name_or_path);

/// Returns the recipe of the method and its preset, overwritten by the fields of `file` (called
/// `origin` in errors), then by `overrides`, which come from the command line. Method and preset
/// are those that the overrides name, else the file. Throws Error as update_recipe does. The result
/// is not resolved.
Recipe compose_recipe(const nlohmann::json& file, std::string_view origin,
                      const nlohmann::json& overrides);

/// Returns "field=value" for each field that changes results and differs from the method's recipe.
std::vector<std::string> deviations(const Recipe& recipe);

}  // namespace bptplr
