// What a comparison is to train: a recipe for each name, each with every seed, and the same data
// for all of a seed.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/results/compare/comparison.hpp"

namespace bptplr {

/// A recipe under the name that it has in the comparison.
struct LabelledRecipe {
  std::string label;
  Recipe recipe;  ///< not resolved
};

/// One for each name, in their order. A name is a word of the field `method`, a built-in recipe or
/// a JSON file, which lends its name without folder and extension, characters that are awkward in
/// names of folders and in tables becoming "_". The fields of a recipe are those of `common` (a
/// built-in recipe or a file; empty: none), then those of the name, then `flags`. Throws Error for
/// a name or a field that means nothing, and for two names with the same label.
std::vector<LabelledRecipe> label_recipes(std::span<const std::string> names,
                                          const std::string& common, const nlohmann::json& flags);

/// "1,2,3" as seeds. Throws Error where it is none or one twice.
std::vector<std::int64_t> parse_seeds(const std::string& text);

/// Throws Error that names the first field in which a run that there has been is not what is asked
/// for: all but data_path, human_path and where to compute. `asked` need not be resolved and may
/// leave num_class to the data; `origin` is what the run is called.
void require_same_recipe(Recipe asked, const Recipe& was, const std::string& origin);

/// The fields about data that differ; where there are none, images and labels are the same.
std::vector<std::string> data_differences(const Recipe& a, const Recipe& b);

/// Throws Error where one of `runs` has the seed of `run`, but was trained on other images or
/// labels.
void require_same_data(std::span<const ComparedRun> runs, const ComparedRun& run);

}  // namespace bptplr
