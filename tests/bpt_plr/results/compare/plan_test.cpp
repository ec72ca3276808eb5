#include "bpt_plr/results/compare/plan.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "tests/data/sets/cifar10_files.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;
using Names = std::vector<std::string>;

/// Expects an Error that says `part`.
void expect_error(const std::function<void()>& call, const std::string& part) {
  try {
    call();
    ADD_FAILURE() << "no error: " << part;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

class ComparisonPlan : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const Json& fields) {
    const auto path = folder_.path() / name;
    write_file_atomically(path, to_text(fields));
    return path.string();
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(ComparisonPlan, ANameIsAMethodABuiltInRecipeOrAFile) {
  const Names names{"ce", "shapes-demo", file("my recipe|1.json", {{"lr", 0.5}}),
                    file("caf\xc3\xa9.v2.json", {{"method", "ce"}})};
  const auto labelled = label_recipes(names, "", Json{{"r", 0.25}});
  ASSERT_EQ(labelled.size(), 4U);
  EXPECT_EQ(labelled[0].label, "ce");
  EXPECT_EQ(labelled[0].recipe.method, "ce");
  EXPECT_EQ(labelled[1].label, "shapes-demo");
  EXPECT_EQ(labelled[1].recipe.num_epochs, 54);
  EXPECT_EQ(labelled[2].label, "my_recipe_1");
  EXPECT_EQ(labelled[2].recipe.lr, 0.5);
  EXPECT_EQ(labelled[3].label, "caf\xc3\xa9.v2");
  for (const LabelledRecipe& of : labelled) EXPECT_EQ(of.recipe.r, 0.25) << of.label;
}

TEST_F(ComparisonPlan, FlagsBeatTheNameWhichBeatsTheCommonRecipe) {
  const std::string common = file("common.json", {{"lr", 0.1}, {"width", 8}, {"alpha", 0.5}});
  const Names names{file("own.json", {{"lr", 0.2}, {"width", 16}})};
  const Recipe recipe = label_recipes(names, common, Json{{"width", 32}})[0].recipe;
  EXPECT_EQ(recipe.alpha, 0.5);
  EXPECT_EQ(recipe.lr, 0.2);
  EXPECT_EQ(recipe.width, 32);
}

TEST_F(ComparisonPlan, NamesThatCannotBeToldApartOrMeanNothing) {
  expect_error([] { label_recipes(Names{"ce", "ce"}, "", Json::object()); }, "called ce");
  const std::string ce = file("ce.json", Json::object());
  expect_error([&] { label_recipes(Names{"ce", ce}, "", Json::object()); }, "called ce");
  expect_error([] { label_recipes(Names{"no-such"}, "", Json::object()); },
               "neither a method, a built-in recipe nor a file 'no-such'");
  const std::string dots = file("...json", Json::object());
  expect_error([&] { label_recipes(Names{dots}, "", Json::object()); }, "rename it");
  expect_error([] { label_recipes(Names{"ce"}, "", Json{{"method", "bptplr"}}); }, "--method");
  // The one that is wrong is named.
  const std::string wrong = file("wrong.json", {{"rate", 1}});
  expect_error([&] { label_recipes(Names{"ce"}, wrong, Json::object()); },
               "wrong.json: there is no");
  expect_error([&] { label_recipes(Names{wrong}, ce, Json::object()); }, "wrong.json: there is no");
}

TEST(Seeds, AreDifferentWholeNumbers) {
  EXPECT_EQ(parse_seeds("3,1,2"), (std::vector<std::int64_t>{3, 1, 2}));
  EXPECT_EQ(parse_seeds("7"), (std::vector<std::int64_t>{7}));
  for (const char* text : {"", "1,", "1,2,1", "one", "1.5"}) {
    EXPECT_THROW(parse_seeds(text), Error) << text;
  }
}

Recipe shapes_recipe() {
  Recipe recipe;
  recipe.dataset = DatasetKind::kShapes;
  recipe.num_epochs = 7;
  return recipe;
}

TEST(SameRecipe, NamesTheFirstFieldThatDiffers) {
  Recipe was = shapes_recipe();
  resolve(was);
  require_same_recipe(shapes_recipe(), was, "D/ce/seed1");
  const auto differs = [&](const char* field, const Json& value, const std::string& part) {
    Recipe asked = shapes_recipe();
    update_recipe(asked, Json{{field, value}}, "test");
    expect_error([&] { require_same_recipe(asked, was, "D/ce/seed1"); }, part);
  };
  differs("lr", 0.5, "lr is 0.5, but the run in D/ce/seed1 has 0.02");
  differs("seed", 4, "seed is 4");
  differs("method", "ce", "method is \"ce\"");
  differs("pretrained", "x.pth", "pretrained is \"x.pth\"");
  differs("noise_file", "x.json", "noise_file is \"x.json\"");
  // What is chosen by it, such as lr_period, differs too, but nobody has asked for that.
  differs("num_epochs", 8, "num_epochs is 8");
}

TEST(SameRecipe, WhereItIsComputedDoesNotMatter) {
  Recipe was = shapes_recipe();
  resolve(was);
  was.device = DeviceChoice::kCuda;
  was.threads = 64;
  was.max_hours = 2.0;
  was.out = "elsewhere";
  was.data_path = "moved";
  require_same_recipe(shapes_recipe(), was, "D/ce/seed1");
}

TEST(SameRecipe, ClassesThatTheDataCountAreThoseOfTheRun) {
  Recipe asked;
  asked.dataset = DatasetKind::kFolder;
  asked.data_path = "somewhere";
  Recipe was = asked;
  was.num_class = 7;
  resolve(was);
  require_same_recipe(asked, was, "D/ce/seed1");
  asked.num_class = 8;
  expect_error([&] { require_same_recipe(asked, was, "D/ce/seed1"); }, "num_class is 8");
}

ComparedRun run_on(const std::string& label, std::int64_t seed, std::uint64_t hash) {
  ComparedRun run;
  run.label = label;
  run.recipe.seed = seed;
  run.data_hash = hash;
  return run;
}

TEST(SameData, RunsOfASeedShareTheirImagesAndLabels) {
  const std::vector<ComparedRun> runs{run_on("a", 1, 100), run_on("a", 2, 200)};
  require_same_data(runs, run_on("b", 1, 100));
  require_same_data(runs, run_on("b", 3, 300));
  ComparedRun other = run_on("b", 1, 200);
  expect_error([&] { require_same_data(runs, other); }, "the files have changed");
  other.recipe.r = 0.2;
  other.recipe.subset = 50;
  other.recipe.lr = 0.1;
  expect_error(
      [&] { require_same_data(runs, other); },
      "with seed 1 b does not train on the images and labels of a (other fields: subset, r)");
}

TEST(SameData, ARunOfAnEarlierVersionIsComparedByItsFields) {
  std::vector<ComparedRun> runs{run_on("a", 1, 100)};
  runs[0].data_hash_format = 1;
  ComparedRun other = run_on("b", 1, 200);
  require_same_data(runs, other);
  other.recipe.r = 0.2;
  expect_error([&] { require_same_data(runs, other); },
               "with seed 1 it is not known whether b trains on the images and labels of a, which "
               "an earlier version trained (other fields: r)");
  other.data_hash_format = 1;
  expect_error([&] { require_same_data(runs, other); }, "b does not train on");
}

}  // namespace
}  // namespace bptplr
