// Which choices a field of a recipe needs for training to read it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Condition for a field to be read: a field that decides it, and whether its value does so.
struct Need {
  const char* field;
  bool (*is_met)(const Recipe& recipe);
};
/// Conditions that must all be met; none for a field that every method reads.
using Needs = std::span<const Need>;

/// Conditions of the table of fields; each is for resolved recipes.
namespace needs {
extern const Needs kFiles, kImageFiles, kShapes, kVectors, kRows, kMlp;
extern const Needs kNoiseRate, kHumanLabels;
extern const Needs kCosine, kSteps;
extern const Needs kWarmUpContrast, kGce;
extern const Needs kDivision, kLosses, kDistance, kMixture, kUniform, kHighConfidence;
extern const Needs kContrast, kClassSets, kSimClr;
extern const Needs kPrototypes, kFixedThreshold, kAdaptiveThreshold;
}  // namespace needs

/// Returns the first unmet condition of the field called `name`, in every run that a resolved
/// recipe makes of its networks; null if one of them reads the field.
const Need* unmet_need(const Recipe& recipe, const std::string& name);

/// Returns a sentence for each field of `given` that none of the resolved recipes reads.
std::vector<std::string> unread_warnings(std::span<const Recipe> recipes,
                                         const nlohmann::json& given);

}  // namespace bptplr
