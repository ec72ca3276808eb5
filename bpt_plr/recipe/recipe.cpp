#include "bpt_plr/recipe/recipe.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/optimizer.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

/// A key of recipe files that describes the recipe and is no field.
constexpr std::string_view kAbout = "about";
/// A key of methods, see builtin_methods.
constexpr const char* kPresets = "presets";
constexpr const char* kUsualPreset = "paper";

void assign(std::string& target, const Json& value, const RecipeField& field,
            std::string_view origin) {
  require(value.is_string(), "{}: {} is {}, but must be a text in quotes", origin, field.name,
          to_text(value));
  const auto text = value.get<std::string>();
  require(field.choices.empty() ||
              std::find(field.choices.begin(), field.choices.end(), text) != field.choices.end(),
          "{}: {} is '{}', but must be one of: {}", origin, field.name, text,
          fmt::join(field.choices, ", "));
  target = text;
}

void assign(std::int64_t& target, const Json& value, const RecipeField& field,
            std::string_view origin) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  require(value.is_number_integer() &&
              !(value.is_number_unsigned() && value.get<std::uint64_t>() > kMax),
          "{}: {} is {}, but must be a whole number", origin, field.name, to_text(value));
  target = value.get<std::int64_t>();
}

void assign(double& target, const Json& value, const RecipeField& field, std::string_view origin) {
  require(value.is_number(), "{}: {} is {}, but must be a number", origin, field.name,
          to_text(value));
  target = value.get<double>();
}

void assign(bool& target, const Json& value, const RecipeField& field, std::string_view origin) {
  require(value.is_boolean(), "{}: {} is {}, but must be true or false", origin, field.name,
          to_text(value));
  target = value.get<bool>();
}

/// The parts of `text` between its separators; none for an empty text.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    if (end + 1 == text.size()) parts.emplace_back();  // a separator at the very end
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// The number that the whole of `text` is.
template <class T>
bool parse_number(std::string_view text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

Json parse_recipe(std::string_view text, std::string_view origin) {
  try {
    return parse_json(text);
  } catch (const Json::exception& error) {  // a number beyond all doubles is no parse_error
    std::string_view what = error.what();   // "[json.exception...] parse error at line 1, ..."
    what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
    throw Error("{} is not valid JSON: {}", origin, what);
  }
}

const RecipeField& find_field(const std::string& name, std::string_view origin) {
  const auto& fields = recipe_fields();
  const auto field = std::find_if(fields.begin(), fields.end(),
                                  [&](const RecipeField& f) { return name == f.name; });
  require(field != fields.end(),
          "{}: there is no recipe field '{}'; `bptplr train --help` lists all", origin, name);
  return *field;
}

}  // namespace

Recipe method_recipe(const std::string& method, const std::string& preset) {
  const auto& methods = builtin_methods();
  const auto found = std::ranges::find(methods, method, &BuiltinRecipe::name);
  require(found != methods.end(), "there is no method '{}'; `bptplr info` lists them", method);
  Json fields = parse_recipe(found->json, method);
  const Json presets = fields.value(kPresets, Json{{kUsualPreset, Json::object()}});
  fields.erase(kPresets);
  const std::string chosen = preset.empty() ? fields.value("preset", kUsualPreset) : preset;
  require(presets.contains(chosen), "method {} has no preset '{}'; leave --preset out", method,
          chosen);
  Recipe recipe;
  update_recipe(recipe, fields, method);
  update_recipe(recipe, presets.at(chosen), method);
  recipe.method = method;
  recipe.preset = chosen;
  return recipe;
}

void update_recipe(Recipe& recipe, const Json& json, std::string_view origin) {
  require(json.is_object(), "{} is no recipe: it must be a JSON object with fields such as \"r\"",
          origin);
  for (auto item = json.begin(); item != json.end(); ++item) {
    if (item.key() == kAbout) continue;
    const RecipeField& field = find_field(item.key(), origin);
    std::visit([&](auto pointer) { assign(recipe.*pointer, *item, field, origin); }, field.pointer);
  }
}

Json read_recipe(const std::string& name_or_path) {
  for (const BuiltinRecipe& builtin : builtin_recipes()) {
    if (name_or_path == builtin.name) return parse_recipe(builtin.json, builtin.name);
  }
  require(std::filesystem::exists(name_or_path),
          "there is neither a built-in recipe nor a file '{}'; `bptplr info` lists the recipes",
          name_or_path);
  return parse_recipe(read_file(name_or_path), name_or_path);
}

Recipe compose_recipe(const Json& file, std::string_view origin, const Json& overrides) {
  Recipe named;  // only to learn the method and the preset; also checks both
  named.preset.clear();
  update_recipe(named, file, origin);
  update_recipe(named, overrides, "command line");
  Recipe recipe = method_recipe(named.method, named.preset);
  update_recipe(recipe, file, origin);
  update_recipe(recipe, overrides, "command line");
  return recipe;
}

nlohmann::ordered_json to_json(const Recipe& recipe) {
  nlohmann::ordered_json json;
  for (const RecipeField& field : recipe_fields()) {
    std::visit([&](auto pointer) { json[field.name] = recipe.*pointer; }, field.pointer);
  }
  return json;
}

bool changes_results(const RecipeField& field) {
  return field.group != kMachineGroup || std::string_view(field.name) == "precision";
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

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  return parse_number(text, number) ? std::optional(number) : std::nullopt;
}

std::vector<std::int64_t> parse_integers(std::string_view text, std::string_view field) {
  std::vector<std::int64_t> numbers;
  for (const std::string_view part : split(text, ',')) {
    std::int64_t number = 0;
    require(parse_number(part, number),
            "{} is '{}', but must be whole numbers with commas between them, e.g. 2,2,2,2", field,
            text);
    numbers.push_back(number);
  }
  return numbers;
}

Json parse_fields(std::string_view text, std::string_view origin) {
  Json fields = Json::object();
  for (const std::string_view part : split(text, ' ')) {
    const std::size_t equals = part.find('=');
    require(equals != std::string_view::npos && equals > 0,
            "{} is '{}', but must be FIELD=VALUE with spaces between them, e.g. selection=gmm",
            origin, text);
    const std::string name(part.substr(0, equals));
    const std::string_view value = part.substr(equals + 1);
    const RecipeField& field = find_field(name, origin);
    const bool is_text = std::holds_alternative<std::string Recipe::*>(field.pointer);
    fields[name] = is_text ? Json(value) : parse_recipe(value, fmt::format("{}: {}", origin, name));
  }
  return fields;
}

bool divides(const Recipe& recipe) {
  return recipe.selection != "none";
}

bool uses_prototypes(const Recipe& recipe) {
  return recipe.statistic == "ce_prototype";
}

bool will_use_prototypes(const Recipe& recipe) {
  return uses_prototypes(recipe) && recipe.warm_up < recipe.num_epochs;
}

std::vector<ScheduleEntry> parse_schedule(std::string_view text, std::string_view field) {
  std::vector<ScheduleEntry> schedule;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t colon = part.find(':');
    ScheduleEntry entry;
    require(colon != std::string_view::npos && parse_number(part.substr(0, colon), entry.epoch) &&
                parse_number(part.substr(colon + 1), entry.value) && std::isfinite(entry.value),
            "{} is '{}', but must be EPOCH:VALUE pairs with commas between them, e.g. 0:3,40:2",
            field, text);
    require(entry.epoch >= (schedule.empty() ? 0 : schedule.back().epoch + 1),
            "{} is '{}', but its epochs must rise from 0 or later", field, text);
    schedule.push_back(entry);
  }
  return schedule;
}

std::string resolve_percentages(std::string_view schedule, std::string_view field,
                                std::int64_t num_epochs) {
  std::vector<std::string> entries;
  for (const std::string_view part : split(schedule, ',')) {
    const std::size_t sign = part.find("%:");
    double percent = 0.0;
    if (sign == std::string_view::npos) {
      entries.emplace_back(part);
      continue;
    }
    require(parse_number(part.substr(0, sign), percent) && percent >= 0.0 && percent <= 100.0,
            "{} is '{}', but a percentage in it must lie in [0, 100]", field, schedule);
    const auto epoch = static_cast<std::int64_t>(percent * static_cast<double>(num_epochs) / 100.0);
    entries.push_back(fmt::format("{}{}", epoch, part.substr(sign + 1)));
  }
  return fmt::format("{}", fmt::join(entries, ","));
}

double scheduled(const std::vector<ScheduleEntry>& schedule, std::int64_t epoch, double before) {
  double value = before;
  for (const ScheduleEntry& entry : schedule) {
    if (entry.epoch <= epoch) value = entry.value;
  }
  return value;
}

double learning_rate(const Recipe& recipe, std::int64_t epoch) {
  if (recipe.lr_schedule == "cosine") {
    return cosine_lr(recipe.lr, recipe.lr * recipe.lr_min_factor, static_cast<double>(epoch),
                     static_cast<double>(recipe.lr_period));
  }
  std::vector<LrStep> steps;
  for (const ScheduleEntry& entry : parse_schedule(recipe.lr_steps, "lr_steps")) {
    steps.push_back({static_cast<int>(entry.epoch), entry.value});
  }
  return step_lr(recipe.lr, steps, static_cast<int>(epoch));
}

std::string usual_blocks(const Recipe& recipe) {
  if (recipe.arch == "preact_resnet") return "2,2,2,2";
  return recipe.arch == "resnet50" ? "3,4,6,3" : "";
}

std::array<int, 4> stage_blocks(const Recipe& recipe) {
  const auto numbers = parse_integers(recipe.blocks, "blocks");
  require(numbers.size() == 4, "blocks is '{}', but must be four numbers, e.g. 2,2,2,2",
          recipe.blocks);
  std::array<int, 4> blocks{};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    require(numbers[i] >= 1 && numbers[i] <= 1000,
            "blocks is '{}', but each of its numbers must lie in [1, 1000]", recipe.blocks);
    blocks[i] = static_cast<int>(numbers[i]);
  }
  return blocks;
}

}  // namespace bptplr
