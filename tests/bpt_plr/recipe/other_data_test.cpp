// What of a recipe file counts where the run has another data set than the recipe.
#include "bpt_plr/recipe/other_data.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/resolve.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

bool has_sentence(const LeftOut& left_out, const std::string& part) {
  return left_out.sentences.size() == 1 &&
         left_out.sentences.front().find(part) != std::string::npos;
}

TEST(OtherData, NoBuiltinRecipeMakesPeoplesOwnLabelsWrong) {
  for (const BuiltinRecipe& builtin : builtin_recipes()) {
    for (const DatasetKind dataset : {DatasetKind::kFolder, DatasetKind::kCsv,
                                      DatasetKind::kAnimal10n, DatasetKind::kClothing1m}) {
      SCOPED_TRACE(fmt::format("{} on {}", builtin.name, dataset));
      const Json flags{{"dataset", name_of(dataset)}, {"data_path", "x"}, {"arch", "resnet50"},
                       {"blocks", "1,1,1,1"},         {"image_size", 64}, {"crop", 64}};
      Json file = read_recipe(builtin.name);
      leave_to_data(file, builtin.name, dataset, flags);
      Recipe recipe = compose_recipe(file, builtin.name, flags);
      resolve(recipe);
      EXPECT_EQ(recipe.noise_mode, NoiseMode::kNone);
    }
  }
}

TEST(OtherData, NoiseThatIsLeftOutIsSaid) {
  Json file = read_recipe("cifar10-5000");
  const LeftOut left_out = leave_to_data(file, "cifar10-5000", DatasetKind::kFolder, {});
  EXPECT_TRUE(has_sentence(left_out,
                           "recipe cifar10-5000 is not for folder, whose labels are people's own, "
                           "so its noise is left out (noise_mode sym, r 0.5)"));
  EXPECT_FALSE(file.contains("r"));
  EXPECT_EQ(file["lambda_u"], 25) << "what does not depend on the data stays";
  EXPECT_EQ(left_out.num_class, 10) << "to be compared with the files";
}

TEST(OtherData, WhatTheCommandLineSaysCounts) {
  const Json recipe{{"dataset", "cifar10"}, {"noise_mode", "asym"}, {"r", 0.4}};
  Json file = recipe;
  EXPECT_TRUE(
      leave_to_data(file, "x", DatasetKind::kCsv, {{"noise_mode", "sym"}}).sentences.empty());
  EXPECT_EQ(compose_recipe(file, "x", {{"noise_mode", "sym"}}).r, 0.4) << "a rate of that noise";
  file = recipe;
  leave_to_data(file, "x", DatasetKind::kCsv, {{"r", 0.1}});
  EXPECT_EQ(file, (Json{{"dataset", "cifar10"}, {"r", 0.4}})) << "a rate alone asks for no noise";
  file = {{"noise_file", "labels.json"}};
  EXPECT_TRUE(has_sentence(leave_to_data(file, "x", DatasetKind::kFolder, {}), "labels.json"));
  EXPECT_TRUE(file.empty());
}

TEST(OtherData, ARecipeOfThatDataSetKeepsItsNoise) {
  const Json config{{"dataset", "folder"}, {"noise_mode", "sym"}, {"r", 0.2}};
  Json file = config;
  EXPECT_TRUE(has_sentence(leave_to_data(file, "runs/a/config.json", DatasetKind::kFolder, {}),
                           "recipe runs/a/config.json changes the labels of folder"));
  EXPECT_EQ(file, config) << "the run is made again";
  for (const DatasetKind other : {DatasetKind::kCifar10, DatasetKind::kShapes}) {
    EXPECT_TRUE(leave_to_data(file, "x", other, {}).sentences.empty());
    EXPECT_EQ(file, config) << "these sets have no wrong labels of their own";
  }
  file = {{"noise_mode", "none"}, {"r", 0.2}};
  EXPECT_TRUE(leave_to_data(file, "x", DatasetKind::kFolder, {}).sentences.empty());
}

TEST(OtherData, TheNumberOfClassesYieldsToTheData) {
  Json file{{"num_class", 10}};
  EXPECT_TRUE(has_sentence(leave_to_data(file, "x", DatasetKind::kCifar100, {}),
                           "recipe x has num_class 10, but the data set cifar100 has 100 classes"));
  EXPECT_TRUE(file.empty());
  file = {{"num_class", 10}};
  EXPECT_TRUE(leave_to_data(file, "x", DatasetKind::kCifar10, {}).sentences.empty());
  EXPECT_EQ(file["num_class"], 10);
  leave_to_data(file, "x", DatasetKind::kCifar100, {{"num_class", 100}});
  EXPECT_EQ(file["num_class"], 10) << "the command line beats it";
}

}  // namespace
}  // namespace bptplr
