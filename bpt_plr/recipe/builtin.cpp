#include "bpt_plr/recipe/builtin.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/old_run.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

/// Key of a method's JSON file, see builtin_methods.
constexpr const char* kPresets = "presets";
constexpr const char* kPreset = "preset";

}  // namespace

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const BuiltinRecipe& method : builtin_methods()) names.emplace_back(method.name);
  return names;
}

Recipe method_recipe(const std::string& method, std::optional<Preset> preset) {
  const auto& methods = builtin_methods();
  const auto found = std::ranges::find(methods, method, &BuiltinRecipe::name);
  require(found != methods.end(), "there is no method '{}'; `bptplr info` lists them", method);
  Json fields = parse_json(found->json, method);
  const std::string usual(name_of(Preset::kPaper));
  const Json presets = fields.value(kPresets, Json{{usual, Json::object()}});
  fields.erase(kPresets);
  Recipe recipe;
  update_recipe(recipe, fields, method);
  if (preset) recipe.preset = *preset;
  const std::string chosen(name_of(recipe.preset));
  require(presets.contains(chosen), "method {} has no preset '{}'; leave --preset out", method,
          chosen);
  update_recipe(recipe, presets.at(chosen), method);
  recipe.method = method;
  return recipe;
}

Json read_recipe(const std::string& name_or_path) {
  for (const BuiltinRecipe& builtin : builtin_recipes()) {
    if (name_or_path == builtin.name) return parse_json(builtin.json, builtin.name);
  }
  require(path_exists(name_or_path),
          "there is neither a built-in recipe nor a file '{}'; `bptplr info` lists the recipes",
          name_or_path);
  return parse_json(read_file(name_or_path), name_or_path);
}

Recipe compose_recipe(const Json& given, std::string_view origin, const Json& overrides) {
  const Json file = with_later_fields(given);
  Recipe named;  // only to read and check the method and the preset
  update_recipe(named, file, origin);
  update_recipe(named, overrides, "the given fields");
  const bool names_preset = file.contains(kPreset) || overrides.contains(kPreset);
  Recipe recipe =
      method_recipe(named.method, names_preset ? std::optional(named.preset) : std::nullopt);
  update_recipe(recipe, file, origin);
  update_recipe(recipe, overrides, "the given fields");
  return recipe;
}

std::vector<std::string> deviations(const Recipe& recipe) {
  const auto usual_json = to_json(method_recipe(recipe.method, recipe.preset));
  const auto json = to_json(recipe);
  std::vector<std::string> lines;
  for (const RecipeField& field : recipe_fields()) {
    const auto& value = json[field.name];
    if (value == usual_json[field.name] || !changes_results(field)) continue;
    lines.push_back(fmt::format("{}={}", field.name,
                                value.is_string() ? value.get<std::string>() : to_text(value)));
  }
  return lines;
}

}  // namespace bptplr
