#include "bpt_plr/recipe.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.hpp"
#include "engine/file.hpp"
#include "engine/optimizer.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

/// The fields in which the published script differs from the method as described.
constexpr const char* kPaperPreset = R"({
  "warm_up_contrastive_grad": true, "kappa": "0:3,40:2,70:1", "class_set_rows": "sample",
  "proto_source": "own", "proto_target": "own"})";
constexpr const char* kReferencePreset = R"({
  "warm_up_contrastive_grad": false, "kappa": "0:3,40:2", "class_set_rows": "subset",
  "proto_source": "peer", "proto_target": "network1"})";

/// A key of recipe files that describes the recipe and is no field.
constexpr std::string_view kAbout = "about";

void assign(std::string& target, const Json& value, const RecipeField& field,
            std::string_view origin) {
  require(value.is_string(), "{}: {} is {}, but must be a text in quotes", origin, field.name,
          value.dump());
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
          "{}: {} is {}, but must be a whole number", origin, field.name, value.dump());
  target = value.get<std::int64_t>();
}

void assign(double& target, const Json& value, const RecipeField& field, std::string_view origin) {
  require(value.is_number(), "{}: {} is {}, but must be a number", origin, field.name,
          value.dump());
  target = value.get<double>();
}

void assign(bool& target, const Json& value, const RecipeField& field, std::string_view origin) {
  require(value.is_boolean(), "{}: {} is {}, but must be true or false", origin, field.name,
          value.dump());
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
    return Json::parse(text);
  } catch (const Json::exception& error) {  // a number beyond all doubles is no parse_error
    std::string_view what = error.what();   // "[json.exception...] parse error at line 1, ..."
    what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
    throw Error("{} is not valid JSON: {}", origin, what);
  }
}

}  // namespace

void apply_preset(Recipe& recipe, std::string_view preset) {
  require(preset == "paper" || preset == "reference", "unknown preset '{}'; use paper or reference",
          preset);
  update_recipe(recipe, Json::parse(preset == "paper" ? kPaperPreset : kReferencePreset), preset);
  recipe.preset = preset;
}

void update_recipe(Recipe& recipe, const Json& json, std::string_view origin) {
  require(json.is_object(), "{} is no recipe: it must be a JSON object with fields such as \"r\"",
          origin);
  for (auto item = json.begin(); item != json.end(); ++item) {
    const std::string& key = item.key();
    if (key == kAbout) continue;
    const auto& fields = recipe_fields();
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const RecipeField& f) { return key == f.name; });
    require(field != fields.end(),
            "{}: there is no recipe field '{}'; `bptplr train --help` lists all", origin, key);
    std::visit([&](auto pointer) { assign(recipe.*pointer, *item, *field, origin); },
               field->pointer);
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
  Recipe named;  // only to learn the preset; also checks both
  update_recipe(named, file, origin);
  update_recipe(named, overrides, "command line");
  Recipe recipe;
  apply_preset(recipe, named.preset);
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

std::vector<std::string> deviations(const Recipe& recipe) {
  Recipe usual;
  apply_preset(usual, recipe.preset);
  const auto usual_json = to_json(usual);
  const auto json = to_json(recipe);
  std::vector<std::string> lines;
  for (const RecipeField& field : recipe_fields()) {
    const auto& value = json[field.name];
    if (value == usual_json[field.name] || field.group == kMachineGroup) continue;
    lines.push_back(fmt::format("{}={}", field.name,
                                value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return lines;
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
