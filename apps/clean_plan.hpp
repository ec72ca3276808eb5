// What `bptplr clean` is going to do: from what is at hand to a run that suits it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/recipe_flags.hpp"
#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

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

  /// Returns the command that a person would give next, with the cleaned labels in `cleaned`.
  std::string next(const std::string& cleaned) const;
};

/// Plans the cleaning. `wanted` holds the fields of `flags`. Where features come without labels
/// beside them, a table of those of the data set is written to the folder. Throws Error for data
/// that are not there or do not fit one another.
CleanPlan plan_clean(const CleanRequest& request, const Recipe& wanted, const RecipeFlags& flags);

}  // namespace bptplr
