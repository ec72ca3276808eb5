// Plans a comparison: every recipe with every seed, the same data for all runs of a seed.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/recipe/other_data.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/results/compare/comparison.hpp"

namespace bptplr {

/// Recipe with its name in the comparison.
struct LabelledRecipe {
  std::string label;
  Recipe recipe;  ///< not resolved
  LeftOut left_out;
};

/// Returns a recipe for each name, in order. A name is a method, a built-in recipe or a JSON file;
/// a file's label is its name without folder and extension, with "_" for characters unsuitable in
/// folder names and tables. Fields come from `common` (a built-in recipe or a file; empty: none),
/// then from the name, then from `flags`. Throws Error for an unknown name or field, and for two
/// names with the same label.
std::vector<LabelledRecipe> label_recipes(std::span<const std::string> names,
                                          const std::string& common, const nlohmann::json& flags);

/// Parses seeds such as "1,2,3". Throws Error for an invalid or repeated seed.
std::vector<std::int64_t> parse_seeds(const std::string& text);

/// Throws Error naming the first field in which the existing run `origin` with recipe `was` differs
/// from the requested one, except data_path, human_path and where to compute. `asked` need not be
/// resolved and may leave num_class to the data.
void require_same_recipe(Recipe asked, const Recipe& was, const std::string& origin);

/// Returns the data fields that differ; if there are none, images and labels are the same.
std::vector<std::string> data_differences(const Recipe& a, const Recipe& b);

/// Throws Error if one of `runs` has the seed of `run` but was trained on other images or labels.
void require_same_data(std::span<const ComparedRun> runs, const ComparedRun& run);

}  // namespace bptplr
