#include "bpt_plr/recipe/other_data.hpp"

#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/choices.hpp"
#include "data/noise/noise.hpp"
#include "data/sets/dataset_table.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

constexpr std::array kNoiseFields{"noise_mode", "r", "noise_file", "human_set", "human_path"};

/// Returns the noise that a recipe names, if it would be made.
NoiseMode noise_of(const Json& file) {
  const auto mode = value_named<NoiseMode>(file.value("noise_mode", ""));
  return mode.value_or(NoiseMode::kAuto);
}

bool changes_labels(const Json& file) {
  const NoiseMode mode = noise_of(file);
  return (mode != NoiseMode::kAuto && mode != NoiseMode::kNone) ||
         !file.value("noise_file", "").empty();
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

/// Removes the fields of noise that `flags` lack; returns "field value" for each.
std::vector<std::string> remove_noise(Json& file, const Json& flags) {
  std::vector<std::string> removed;
  for (const char* field : kNoiseFields) {
    // A rate belongs to whatever noise the command line asks for.
    const bool is_wanted = std::string_view(field) == "r" && flags.contains("noise_mode");
    if (!file.contains(field) || flags.contains(field) || is_wanted) continue;
    if (!text_of(file[field]).empty()) {
      removed.push_back(fmt::format("{} {}", field, text_of(file[field])));
    }
    file.erase(field);
  }
  return removed;
}

}  // namespace

std::string other_classes(std::string_view origin, std::int64_t num_class, DatasetKind dataset,
                          std::int64_t classes) {
  return fmt::format(
      "{} has num_class {}, but the data set {} has {} classes, which count; leave num_class out "
      "of the recipe",
      origin, num_class, dataset, classes);
}

LeftOut leave_to_data(Json& file, std::string_view origin, DatasetKind dataset, const Json& flags) {
  LeftOut left_out;
  const DatasetInfo& data = dataset_info(dataset);
  const bool names_it = value_named<DatasetKind>(file.value("dataset", "")) == dataset;
  const std::int64_t classes = file.value("num_class", std::int64_t{0});
  if (classes != 0 && classes != data.num_classes && !flags.contains("num_class")) {
    if (data.num_classes == 0) {
      left_out.num_class = classes;
    } else {
      left_out.sentences.push_back(
          other_classes(fmt::format("recipe {}", origin), classes, dataset, data.num_classes));
    }
    file.erase("num_class");
  }
  if (!data.has_own_noise() || !changes_labels(file)) return left_out;
  if (names_it) {
    if (flags.contains("noise_mode") || flags.contains("noise_file")) return left_out;
    left_out.sentences.push_back(fmt::format(
        "recipe {} changes the labels of {}, which it names as its data; say --noise_mode none "
        "--noise_file= to train on them as they are",
        origin, dataset));
    return left_out;
  }
  const std::vector<std::string> removed = remove_noise(file, flags);
  if (!removed.empty()) {
    left_out.sentences.push_back(fmt::format(
        "recipe {} is not for {}, whose labels are people's own, so its noise is left out ({}); "
        "say --noise_mode and --r to add some",
        origin, dataset, fmt::join(removed, ", ")));
  }
  return left_out;
}

}  // namespace bptplr
