#include "apps/recipe_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

#include "bpt_plr/run/run_folder.hpp"

namespace bptplr {
namespace {

/// How --help calls the value of a flag.
template <class T>
std::string value_name(const RecipeField& field) {
  if (!field.choices.empty()) return fmt::format("{}", fmt::join(field.choices, "|"));
  if (std::is_same_v<T, bool>) return "true|false";
  if (std::is_same_v<T, std::int64_t>) return "INT";
  return std::is_same_v<T, double> ? "NUMBER" : "TEXT";
}

template <class T>
std::string default_text(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return value;
  } else {
    return fmt::format("{}", value);
  }
}

std::int64_t whole_number(const std::string& field, const std::string& text) {
  const auto number = parse_integer(text);
  if (number) return *number;
  throw CLI::ValidationError(
      "--" + field, fmt::format("'{}' is not a whole number of at most 64 bits in decimal", text));
}

}  // namespace

void RecipeFlags::add_recipe(CLI::App& command) {
  command
      .add_option("--recipe", recipe_,
                  "start from a built-in recipe (see `bptplr info`) or a JSON file of fields")
      ->type_name("NAME|FILE")
      ->group("Recipe");
}

void RecipeFlags::add_to(CLI::App& command) {
  add_recipe(command);
  CLI::Option* resume = command.add_flag(
      "--resume", resume_,
      "go on with the run in --out from its newest checkpoint; start it where there is none");
  resume->group("Recipe");
  for (const RecipeField& field : recipe_fields()) add_field(command, field);
  resume->needs(command.get_option("--out"));
}

void RecipeFlags::add_to(CLI::App& command, std::span<const std::string_view> fields) {
  for (const RecipeField& field : recipe_fields()) {
    if (std::find(fields.begin(), fields.end(), field.name) != fields.end()) {
      add_field(command, field);
    }
  }
}

void RecipeFlags::add_without(CLI::App& command, std::span<const std::string_view> left_out) {
  add_recipe(command);
  for (const RecipeField& field : recipe_fields()) {
    if (std::find(left_out.begin(), left_out.end(), field.name) == left_out.end()) {
      add_field(command, field);
    }
  }
}

void RecipeFlags::add_field(CLI::App& command, const RecipeField& field) {
  const std::string flag = fmt::format("--{}", field.name);
  // The published script's abbreviation-free name, which users know.
  const std::string names = std::string_view(field.name) == "lr" ? flag + ",--learning_rate" : flag;
  std::visit(
      [&](auto pointer) {
        using T = std::remove_cvref_t<decltype(std::declval<Recipe>().*pointer)>;
        // CLI11 would take 010 for 8, and the largest number for a larger one.
        using Taken = std::conditional_t<std::is_same_v<T, std::int64_t>, std::string, T>;
        CLI::Option* option = command.add_option_function<Taken>(
            names,
            [this, &field](const Taken& value) {
              if constexpr (std::is_same_v<T, Taken>) {
                given_[field.name] = value;
              } else {
                given_[field.name] = whole_number(field.name, value);
              }
            },
            field.help);
        // Of a repeated flag the last counts, so that scripts can pass further flags on.
        option->type_name(value_name<T>(field))->group(field.group)->take_last();
        const std::string usual = default_text(Recipe{}.*pointer);
        if (!usual.empty()) option->default_str(usual);
        if (!field.choices.empty()) {
          // IsMember would repeat the choices, which the name of the value says already.
          option->check(CLI::Validator(CLI::IsMember(field.choices)).description(""));
        }
      },
      field.pointer);
}

Recipe RecipeFlags::recipe() const {
  const nlohmann::json file = recipe_.empty() ? nlohmann::json::object() : read_recipe(recipe_);
  const std::string out = given_.value("out", "");
  if (!resume_ || !RunFolder::exists(out)) return compose_recipe(file, recipe_, given_);
  nlohmann::json run = to_json(RunFolder::open(out).read_config());
  run.erase("max_hours");  // was for that call
  nlohmann::json asked = file;
  asked.update(given_);  // "out" is among them, as the folder may have moved
  return compose_recipe(run, out, asked);
}

}  // namespace bptplr
