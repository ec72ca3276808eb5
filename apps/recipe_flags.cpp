#include "apps/recipe_flags.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

#include "apps/choice_flag.hpp"
#include "apps/terminal/terminal.hpp"
#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/text.hpp"
#include "bpt_plr/run/asked_recipe.hpp"

namespace bptplr {
namespace {

/// Type that CLI11 reads a field as. Whole numbers are read as text and parsed here, as CLI11 would
/// read 010 as 8 and saturate numbers that are too large.
template <class T>
using Taken =
    std::conditional_t<std::is_same_v<T, double> || std::is_same_v<T, bool>, T, std::string>;

std::int64_t whole_number(const std::string& field, const std::string& text) {
  const auto number = parse_integer(text);
  if (number) return *number;
  throw CLI::ValidationError(
      "--" + field, fmt::format("'{}' is not a whole number of at most 64 bits in decimal", text));
}

/// Flag of a field: how it is read, and the value and default that --help shows.
struct Flag {
  CLI::App& command;
  const RecipeField& field;
  std::string names;
  nlohmann::json& given;

  CLI::Option* add(const ChoicePointer& choice) {
    return take<std::string>(fmt::format("{}", fmt::join(choice.names(), "|")),
                             std::string(choice.get(Recipe{})))
        ->check(one_of(choice.names()));
  }
  CLI::Option* add(std::string Recipe::*member) {
    return take<std::string>(field.takes == Takes::kPath ? "PATH" : "TEXT", Recipe{}.*member);
  }
  CLI::Option* add(std::int64_t Recipe::*member) {
    return take<std::int64_t>("INT", fmt::format("{}", Recipe{}.*member));
  }
  CLI::Option* add(double Recipe::*member) {
    return take<double>("NUMBER", fmt::format("{}", Recipe{}.*member));
  }
  CLI::Option* add(bool Recipe::*member) {
    if (field.takes == Takes::kNothing) {
      return command.add_flag_function(
          names,
          [&in = given, name = std::string(field.name)](std::int64_t count) {
            in[name] = count > 0;
          },
          field.help);
    }
    return take<bool>("true|false", fmt::format("{}", Recipe{}.*member));
  }

 private:
  template <class T>
  CLI::Option* take(const std::string& value_name, const std::string& usual) {
    const auto set = [&in = given, name = std::string(field.name)](const Taken<T>& value) {
      if constexpr (std::is_same_v<T, Taken<T>>) {
        in[name] = value;
      } else {
        in[name] = whole_number(name, value);
      }
    };
    CLI::Option* option = command.add_option_function<Taken<T>>(names, set, field.help);
    option->type_name(value_name);
    if (!usual.empty()) option->default_str(usual);
    return option;
  }
};

/// Flag of the published scripts that means nothing here, and what does its work.
struct PublishedFlag {
  const char* name;
  const char* instead;
};
constexpr PublishedFlag kPublishedFlags[] = {
    {"--gpuid", "choose a GPU with CUDA_VISIBLE_DEVICES, or the CPU with --device cpu"},
    {"--id", "name the folder of the results with --out"}};

void add_published(CLI::App& command) {
  for (const PublishedFlag& flag : kPublishedFlags) {
    const auto say = [flag](const std::string& /*value*/) {
      print_warnings({fmt::format("{} of the published scripts means nothing here; {}", flag.name,
                                  flag.instead)});
    };
    command.add_option_function<std::string>(flag.name, say)->take_last()->group("");
  }
}

}  // namespace

void print_warnings(const std::vector<std::string>& sentences) {
  for (auto it = sentences.begin(); it != sentences.end(); ++it) {
    if (std::find(sentences.begin(), it, *it) != it) continue;
    print_warning(*it);
  }
}

void RecipeFlags::add_recipe(CLI::App& command) {
  command
      .add_option("--recipe", recipe_,
                  "start from a built-in recipe (see `bptplr info`) or a JSON file of fields")
      ->type_name("RECIPE|FILE")
      ->group("Recipe");
}

void RecipeFlags::add_to(CLI::App& command) {
  add_recipe(command);
  CLI::Option* resume = command.add_flag(
      "--resume", resume_,
      "go on with the run in --out from its newest checkpoint; start it where there is none");
  resume->group("Recipe");
  for (const RecipeField& field : recipe_fields()) add_field(command, field);
  add_published(command);
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
  add_published(command);
}

void RecipeFlags::add_field(CLI::App& command, const RecipeField& field) {
  const std::string flag = fmt::format("--{}", field.name);
  // Name of this flag in the published script, which users know.
  const std::string names = std::string_view(field.name) == "lr" ? flag + ",--learning_rate" : flag;
  Flag adder{command, field, names, given_};
  CLI::Option* option =
      std::visit([&](const auto& pointer) { return adder.add(pointer); }, field.pointer);
  // The last of repeated flags counts, so that scripts can append flags.
  option->group(field.group)->take_last();
}

Recipe RecipeFlags::recipe(LeftOut& left_out) const {
  return asked_recipe(recipe_, given_, resume_, left_out);
}

}  // namespace bptplr
