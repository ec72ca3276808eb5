// Built-in recipes and methods, and the composition of a recipe from them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// JSON file of the folder recipes or methods: its name, a one-line description, and the fields
/// that differ from the defaults.
struct BuiltinRecipe {
  const char* name;
  const char* help;
  const char* json;
};
/// Returns the recipes for `--recipe`, each for a data set and its noise.
const std::vector<BuiltinRecipe>& builtin_recipes();
/// Returns the methods for `--method`. The key "presets" holds the fields that differ in each
/// preset; "preset" is the default one, if it is not "paper".
const std::vector<BuiltinRecipe>& builtin_methods();
/// Returns the names of the built-in methods.
std::vector<std::string> method_names();

/// Returns the recipe of a method: defaults, its fields, and those of the preset (nullopt: the
/// method's default one). Throws Error for an unknown method or preset.
Recipe method_recipe(const std::string& method, std::optional<Preset> preset = {});

/// Returns the fields of a built-in recipe or of a JSON file. Throws Error if there is no such
/// recipe, or the file is not JSON.
nlohmann::json read_recipe(const std::string& name_or_path);

/// Returns the recipe of the method and its preset, overwritten by the fields of `file` (called
/// `origin` in errors), then by `overrides` from the command line. Method and preset come from the
/// overrides, else from the file. A file of a run of an earlier version describes what that version
/// did (old_run.hpp). Throws Error as update_recipe does. The result is not resolved.
Recipe compose_recipe(const nlohmann::json& file, std::string_view origin,
                      const nlohmann::json& overrides);

/// Returns "field=value" for each field that changes results and differs from the method's recipe.
std::vector<std::string> deviations(const Recipe& recipe);

}  // namespace bptplr
