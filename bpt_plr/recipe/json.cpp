#include "bpt_plr/recipe/json.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/text.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

/// Key of recipe files that describes the recipe and is not a field.
constexpr std::string_view kAbout = "about";

/// Reads and writes a field of a recipe as JSON.
struct FieldAccess {
  const RecipeField& field;

  void assign(Recipe& recipe, const ChoicePointer& choice, const Json& value,
              std::string_view origin) const {
    const std::string name = text_of(value, origin);
    require(choice.set(recipe, name), "{}: {} is '{}', but must be one of: {}", origin, field.name,
            quotable(name), fmt::join(choice.names(), ", "));
  }

  void assign(Recipe& recipe, std::string Recipe::*member, const Json& value,
              std::string_view origin) const {
    recipe.*member = text_of(value, origin);
  }

  void assign(Recipe& recipe, std::int64_t Recipe::*member, const Json& value,
              std::string_view origin) const {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    require(value.is_number_integer() &&
                !(value.is_number_unsigned() && value.get<std::uint64_t>() > kMax),
            "{}: {} is {}, but must be a whole number", origin, field.name, quoted_json(value));
    recipe.*member = value.get<std::int64_t>();
  }

  void assign(Recipe& recipe, double Recipe::*member, const Json& value,
              std::string_view origin) const {
    require(value.is_number(), "{}: {} is {}, but must be a number", origin, field.name,
            quoted_json(value));
    recipe.*member = value.get<double>();
  }

  void assign(Recipe& recipe, bool Recipe::*member, const Json& value,
              std::string_view origin) const {
    require(value.is_boolean(), "{}: {} is {}, but must be true or false", origin, field.name,
            quoted_json(value));
    recipe.*member = value.get<bool>();
  }

  std::string text_of(const Json& value, std::string_view origin) const {
    require(value.is_string(), "{}: {} is {}, but must be a text in quotes", origin, field.name,
            quoted_json(value));
    return value.get<std::string>();
  }
};

nlohmann::ordered_json value_of(const Recipe& recipe, const ChoicePointer& choice) {
  return choice.get(recipe);
}
template <class T>
nlohmann::ordered_json value_of(const Recipe& recipe, T Recipe::*member) {
  return recipe.*member;
}

/// Returns whether the values of a field are JSON strings.
bool is_text(const RecipeField& field) {
  return std::holds_alternative<ChoicePointer>(field.pointer) ||
         std::holds_alternative<std::string Recipe::*>(field.pointer);
}

}  // namespace

nlohmann::ordered_json to_json(const Recipe& recipe) {
  nlohmann::ordered_json json;
  for (const RecipeField& field : recipe_fields()) {
    json[field.name] =
        std::visit([&](const auto& pointer) { return value_of(recipe, pointer); }, field.pointer);
  }
  return json;
}

void update_recipe(Recipe& recipe, const Json& json, std::string_view origin) {
  require(json.is_object(), "{} is no recipe: it must be a JSON object with fields such as \"r\"",
          origin);
  for (auto item = json.begin(); item != json.end(); ++item) {
    if (item.key() == kAbout) continue;
    const FieldAccess access{find_field(item.key(), origin)};
    std::visit([&](const auto& pointer) { access.assign(recipe, pointer, *item, origin); },
               access.field.pointer);
  }
}

Json parse_fields(std::string_view text, std::string_view origin) {
  Json fields = Json::object();
  for (const std::string_view part : split(text, ' ')) {
    const std::size_t equals = part.find('=');
    require(equals != std::string_view::npos && equals > 0,
            "{} is '{}', but must be FIELD=VALUE with spaces between them, e.g. selection=gmm",
            origin, quotable(text));
    const std::string name(part.substr(0, equals));
    const std::string_view value = part.substr(equals + 1);
    fields[name] = is_text(find_field(name, origin))
                       ? Json(value)
                       : parse_json(value, fmt::format("{}: {}", origin, name));
  }
  return fields;
}

}  // namespace bptplr
