#include "bpt_plr/recipe/needs.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/stages.hpp"
#include "data/sets/dataset_table.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

bool has_image_files(const Recipe& recipe) {
  return dataset_info(recipe.dataset).has_image_files();
}
bool needs_files(const Recipe& recipe) {
  return dataset_info(recipe.dataset).needs != nullptr;
}
bool has_vectors(const Recipe& recipe) {
  return dataset_info(recipe.dataset).has_vectors;
}
bool has_rows(const Recipe& recipe) {
  return dataset_info(recipe.dataset).has_rows();
}
bool is_mlp(const Recipe& recipe) {
  return recipe.arch == Arch::kMlp;
}
bool is_shapes(const Recipe& recipe) {
  return recipe.dataset == DatasetKind::kShapes;
}

bool has_human_labels(const Recipe& recipe) {
  return recipe.noise_mode == NoiseMode::kHuman;
}
bool has_no_noise_file(const Recipe& recipe) {
  return recipe.noise_file.empty();
}
/// Besides noise that is drawn, the small-loss selection and a loss_history of 0 go by the rate.
bool method_reads_rate(const Recipe& recipe) {
  return recipe.selection == SelectionKind::kSmallLoss ||
         (divides(recipe) && std::abs(recipe.r - 0.9) < 1e-6);
}
bool may_draw_noise(const Recipe& recipe) {
  return has_no_noise_file(recipe) || method_reads_rate(recipe);
}
bool draws_noise(const Recipe& recipe) {
  const bool has_rate = recipe.noise_mode != NoiseMode::kNone && !has_human_labels(recipe);
  return has_rate || method_reads_rate(recipe);
}

bool is_cosine(const Recipe& recipe) {
  return recipe.lr_schedule == LrSchedule::kCosine;
}
bool has_steps(const Recipe& recipe) {
  return recipe.lr_schedule == LrSchedule::kStep;
}

bool has_warm_up_contrast(const Recipe& recipe) {
  return recipe.warm_up_contrastive != WarmUpContrastive::kNone;
}
bool is_gce(const Recipe& recipe) {
  return recipe.plain_loss == PlainLoss::kGeneralizedCrossEntropy;
}

bool judges_by_loss(const Recipe& recipe) {
  return recipe.statistic == StatisticKind::kCe || uses_prototypes(recipe);
}
bool judges_by_distance(const Recipe& recipe) {
  return recipe.statistic == StatisticKind::kJsd;
}
bool is_uniform(const Recipe& recipe) {
  return recipe.selection == SelectionKind::kUniform;
}
bool is_high_confidence(const Recipe& recipe) {
  return recipe.selection == SelectionKind::kHighConfidence;
}
bool has_mixture(const Recipe& recipe) {
  switch (recipe.selection) {
    case SelectionKind::kGmmBalanced:
    case SelectionKind::kGmm:
    case SelectionKind::kHighConfidence:
    case SelectionKind::kGmmConfident:
      return true;
    case SelectionKind::kUniform:
    case SelectionKind::kSmallLoss:
    case SelectionKind::kNone:
      break;
  }
  return false;
}

bool has_contrast(const Recipe& recipe) {
  return recipe.contrastive != ContrastKind::kNone;
}
bool is_simclr(const Recipe& recipe) {
  return recipe.contrastive == ContrastKind::kSimClr;
}
bool has_class_sets(const Recipe& recipe) {
  return has_contrast(recipe) && !is_simclr(recipe);
}

bool has_fixed_threshold(const Recipe& recipe) {
  return recipe.pseudo_label == PseudoLabelKind::kFixed;
}
bool has_adaptive_threshold(const Recipe& recipe) {
  return recipe.pseudo_label == PseudoLabelKind::kSelfAdaptive;
}

constexpr Need kOfFiles[] = {{"dataset", needs_files}};
constexpr Need kOfImageFiles[] = {{"dataset", has_image_files}};
constexpr Need kOfVectors[] = {{"dataset", has_vectors}};
constexpr Need kOfRows[] = {{"dataset", has_rows}};
constexpr Need kOfMlp[] = {{"arch", is_mlp}};
constexpr Need kOfShapes[] = {{"dataset", is_shapes}};
constexpr Need kOfNoiseRate[] = {{"noise_file", may_draw_noise}, {"noise_mode", draws_noise}};
constexpr Need kOfHumanLabels[] = {{"noise_mode", has_human_labels},
                                   {"noise_file", has_no_noise_file}};
constexpr Need kOfCosine[] = {{"lr_schedule", is_cosine}};
constexpr Need kOfSteps[] = {{"lr_schedule", has_steps}};
constexpr Need kOfWarmUpContrast[] = {{"warm_up_contrastive", has_warm_up_contrast}};
constexpr Need kOfGce[] = {{"plain_loss", is_gce}};
constexpr Need kOfDivision[] = {{"selection", divides}};
constexpr Need kOfLosses[] = {{"statistic", judges_by_loss}};
constexpr Need kOfDistance[] = {{"statistic", judges_by_distance}};
constexpr Need kOfMixture[] = {{"selection", has_mixture}};
constexpr Need kOfUniform[] = {{"selection", is_uniform}};
constexpr Need kOfHighConfidence[] = {{"selection", is_high_confidence}};
constexpr Need kOfContrast[] = {{"selection", divides}, {"contrastive", has_contrast}};
constexpr Need kOfClassSets[] = {{"selection", divides}, {"contrastive", has_class_sets}};
constexpr Need kOfSimClr[] = {{"selection", divides}, {"contrastive", is_simclr}};
constexpr Need kOfPrototypes[] = {{"statistic", uses_prototypes}};
constexpr Need kOfFixedThreshold[] = {{"statistic", uses_prototypes},
                                      {"pseudo_label", has_fixed_threshold}};
constexpr Need kOfAdaptiveThreshold[] = {{"statistic", uses_prototypes},
                                         {"pseudo_label", has_adaptive_threshold}};

}  // namespace

namespace needs {
constinit const Needs kFiles = kOfFiles, kImageFiles = kOfImageFiles, kShapes = kOfShapes;
constinit const Needs kVectors = kOfVectors, kRows = kOfRows, kMlp = kOfMlp;
constinit const Needs kNoiseRate = kOfNoiseRate, kHumanLabels = kOfHumanLabels;
constinit const Needs kCosine = kOfCosine, kSteps = kOfSteps;
constinit const Needs kWarmUpContrast = kOfWarmUpContrast, kGce = kOfGce;
constinit const Needs kDivision = kOfDivision, kLosses = kOfLosses, kDistance = kOfDistance;
constinit const Needs kMixture = kOfMixture, kUniform = kOfUniform;
constinit const Needs kHighConfidence = kOfHighConfidence;
constinit const Needs kContrast = kOfContrast, kClassSets = kOfClassSets, kSimClr = kOfSimClr;
constinit const Needs kPrototypes = kOfPrototypes, kFixedThreshold = kOfFixedThreshold;
constinit const Needs kAdaptiveThreshold = kOfAdaptiveThreshold;
}  // namespace needs

const Need* unmet_need(const Recipe& recipe, const std::string& name) {
  const Needs conditions = find_field(name, "command line").needs;
  const Need* unmet = nullptr;
  for (const Stage& stage : stages_of(recipe)) {
    const auto found = std::ranges::find_if(
        conditions, [&](const Need& need) { return !need.is_met(stage.recipe); });
    if (found == conditions.end()) return nullptr;
    if (unmet == nullptr) unmet = &*found;
  }
  return unmet;
}

std::vector<std::string> unread_warnings(std::span<const Recipe> recipes,
                                         const nlohmann::json& given) {
  std::vector<std::string> warnings;
  for (auto item = given.begin(); item != given.end(); ++item) {
    const auto reads = [&](const Recipe& recipe) {
      return unmet_need(recipe, item.key()) == nullptr;
    };
    if (std::ranges::any_of(recipes, reads)) continue;
    const Recipe& recipe = recipes.front();
    const char* field = unmet_need(recipe, item.key())->field;
    const auto value = to_json(recipe)[field];
    warnings.push_back(fmt::format(
        "--{} changes nothing in the training of method {}, as {} is {}; leave it out, or choose "
        "another {}",
        item.key(), recipe.method, field,
        value.is_string() ? value.get<std::string>() : to_text(value), field));
  }
  return warnings;
}

}  // namespace bptplr
