// What a cleaning is going to do: from what is at hand to a run that suits it.
#pragma once

#include <array>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Fields of a recipe that may be set; the others are those that suit the data.
inline constexpr auto kCleanFields = std::to_array<std::string_view>(
    {"labels", "pretrained", "arch", "width", "blocks", "pool_side", "image_size", "crop", "exif",
     "on_bad_image", "noise_file", "num_epochs", "batch_size", "seed", "device", "precision",
     "threads", "cache_dir"});

/// What the user names.
struct CleanRequest {
  std::string data;
  std::string features;
  std::string out;
};

struct CleanPlan {
  std::filesystem::path data;
  std::filesystem::path out;       ///< of the lists and pages
  std::filesystem::path run;       ///< of the training
  std::filesystem::path features;  ///< empty: networks are trained on the images
  /// Network whose features are to be computed, into `features`.
  std::optional<Recipe> weights;
  Recipe recipe;  ///< of the training, not resolved
  bool takes_hours = false;
  std::vector<std::string> sentences;  ///< what is done and how long it takes
};

/// Plans the cleaning with the fields `given`, which are among kCleanFields, and limits CPU threads
/// to their number. Where features come without labels beside them, a table of those of the data
/// set is written to the folder. Throws Error for data that are not there or do not fit one
/// another, and for another field.
CleanPlan plan_clean(const CleanRequest& request, const nlohmann::json& given);

}  // namespace bptplr
