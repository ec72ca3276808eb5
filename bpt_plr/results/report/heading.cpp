#include "bpt_plr/results/report/heading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <system_error>

#include "data/sets/dataset_table.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

std::string describe_noise(const Recipe& recipe) {
  if (!recipe.noise_file.empty()) return "labels of " + last_part(recipe.noise_file);
  const auto rate = [&](const char* kind) {
    return fmt::format("{:g} % {} noise", 100.0 * recipe.r, kind);
  };
  switch (recipe.noise_mode) {
    case NoiseMode::kSym:
      return rate("symmetric");
    case NoiseMode::kAsym:
      return rate("asymmetric");
    case NoiseMode::kInstance:
      return rate("instance-dependent");
    case NoiseMode::kHuman:
      return dataset_info(recipe.dataset).human_label_sets > 1
                 ? fmt::format("human labels ({})", name_of(recipe.human_set))
                 : "human labels";
    case NoiseMode::kAuto:
    case NoiseMode::kNone:
      break;
  }
  return "labels as they are";
}

}  // namespace

std::string describe_data(const Recipe& recipe, std::int64_t images, std::int64_t classes) {
  const bool has_name = dataset_info(recipe.dataset).num_classes > 0 || recipe.data_path.empty();
  std::string text{has_name ? std::string(name_of(recipe.dataset)) : last_part(recipe.data_path)};
  text += ": ";
  if (images > 0) text += fmt::format("{} training images of ", fmt::group_digits(images));
  return text + fmt::format("{} classes, {}", classes, describe_noise(recipe));
}

std::string last_part(const std::filesystem::path& path) {
  const auto whole = std::filesystem::absolute(path).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

std::string day_of(std::time_t time) {
  std::tm parts{};
  std::array<char, 16> text{};
  if (gmtime_r(&time, &parts) == nullptr) return "";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts)};
}

std::string day_of_run(const std::filesystem::path& folder) {
  constexpr std::string_view kPrefix = "events.out.tfevents.";
  long long last = 0;
  if (!path_exists(folder)) return "";
  for (const std::string& name : names_in_folder(folder)) {
    if (!name.starts_with(kPrefix)) continue;
    long long time = 0;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), time);
    last = std::max(last, time);
  }
  return last > 0 ? day_of(static_cast<std::time_t>(last)) : "";
}

}  // namespace bptplr
