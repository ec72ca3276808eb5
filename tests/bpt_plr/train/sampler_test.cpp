// The iterations of an epoch of every method, against tools/oracle/selection.py; what a batch is.
#include "bpt_plr/train/sampler.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

/// b within the pass over X, B_x and B_u of every iteration.
using Iterations = std::vector<std::array<std::int64_t, 3>>;

Division division_of(std::int64_t size_x, std::int64_t size_u, std::int64_t num_clean) {
  Division division;
  division.partition.labelled.resize(static_cast<std::size_t>(size_x));
  division.partition.unlabelled.resize(static_cast<std::size_t>(size_u));
  division.num_clean = num_clean;
  return division;
}

Iterations iterations_of(const Passes& passes, std::int64_t size_x, std::int64_t size_u) {
  ShuffledPasses x(size_x, passes.batch_x, passes.incomplete, 1, Purpose::kTest, 0, 0);
  ShuffledPasses u(size_u, passes.batch_u, passes.incomplete, 1, Purpose::kTest, 0, 1);
  Iterations iterations;
  for (std::int64_t i = 0; i < passes.iterations; ++i) {
    const auto of_x = x.next();
    iterations.push_back({x.taken_from_pass() - 1, std::ssize(of_x), std::ssize(u.next())});
  }
  return iterations;
}

void expect_golden(const Golden& golden, const Recipe& plain) {
  for (const std::string& name : golden.cases("batches")) {
    SCOPED_TRACE(name);
    const std::string prefix = "batches/" + name + "/";
    const std::int64_t* args = golden[prefix + "args"].data<std::int64_t>();
    const Tensor& expected = golden[prefix + "iterations"];
    Recipe recipe = plain;
    recipe.batch_size = args[2];
    const std::int64_t num_clean = golden[prefix + "args"].numel() > 3 ? args[3] : args[0];
    const Division division = division_of(args[0], args[1], num_clean);
    const Iterations actual = iterations_of(plan_passes(recipe, division), args[0], args[1]);
    // Where a set fills no batch, the published codes train nothing or stop; the engine goes on.
    if (expected.size(0) == 0) {
      EXPECT_FALSE(actual.empty());
      for (const auto& [b, batch_x, batch_u] : actual) {
        EXPECT_EQ(batch_x > 0, args[0] > 0);
        EXPECT_EQ(batch_u > 0, args[1] > 0);
      }
      continue;
    }
    ASSERT_EQ(std::ssize(actual), expected.size(0));
    for (std::size_t i = 0; i < actual.size(); ++i) {
      const std::int64_t* row = expected.data<std::int64_t>() + 3 * i;
      EXPECT_EQ(actual[i], (std::array<std::int64_t, 3>{row[0], row[1], row[2]})) << i;
    }
  }
}

TEST(Passes, OfDivideMixUniconAndPlReMixMatchesTheOracle) {
  for (const char* method : {"dividemix", "unicon", "plremix"}) {
    SCOPED_TRACE(method);
    expect_golden(Golden(method), method_recipe(method));
  }
}

TEST(Passes, OfLongReMixsSecondRunMatchesTheOracle) {
  Recipe recipe = method_recipe("longremix");
  recipe.epoch_length = EpochLength::kAll;
  expect_golden(Golden("longremix"), recipe);
}

TEST(UnlabelledWeight, RampsUpAsInPyTorch) {
  const Golden golden("losses");
  for (const std::string& name : golden.cases("lambda")) {
    const std::string key = "lambda/" + name + "/";
    const auto args = golden[key + "args"].span<std::int64_t>();
    Recipe recipe;
    recipe.lambda_u = golden[key + "lambda_u"].item();
    recipe.batch_size = args[3];
    recipe.warm_up = args[4];
    EXPECT_NEAR(unlabelled_weight(recipe, args[0], args[1], args[2]), golden[key + "value"].item(),
                1e-5)
        << name;
  }
}

TEST(UnlabelledWeight, IsWholeAtOnceWithoutARamp) {
  Recipe recipe;
  recipe.warm_up = 10;
  recipe.lambda_u = 25.0;
  recipe.lambda_ramp = 0.0;
  EXPECT_EQ(unlabelled_weight(recipe, 10, 0, 1000), 25.0);
}

TEST(Passes, OfBptPlrCoversAllSamples) {
  Recipe recipe;
  recipe.batch_size = 64;
  const Passes passes = plan_passes(recipe, division_of(100, 540, 100));
  EXPECT_EQ(passes.iterations, 11);
  EXPECT_EQ(passes.incomplete, Incomplete::kDrop);
}

TEST(Passes, GoesOnWithWhatThereIs) {
  Recipe recipe = method_recipe("unicon");
  recipe.batch_size = 64;
  EXPECT_EQ(plan_passes(recipe, division_of(30, 970, 30)).iterations, 1);
  EXPECT_EQ(plan_passes(recipe, division_of(30, 970, 30)).batch_u, 640) << "at most 10 B";
  EXPECT_EQ(plan_passes(recipe, division_of(0, 130, 0)).iterations, 2) << "the other set";
  EXPECT_EQ(plan_passes(recipe, division_of(128, 0, 128)).iterations, 2);
}

/// The inputs of an iteration over the shapes; every second sample is labelled.
struct OneBatch {
  explicit OneBatch(ClassSetRows class_set_rows) {
    recipe.dataset = DatasetKind::kShapes;
    recipe.shapes_train = 80;
    recipe.shapes_test = 1;
    recipe.batch_size = 8;
    recipe.class_set_rows = class_set_rows;
    resolve(recipe);
    const TrainingData data = load_training_data(recipe);
    const EpochSamples samples = draw_epoch_samples(recipe, data, recipe.warm_up);
    const auto view_maker = make_view_maker(recipe, data.dataset, data.dataset.train);
    const ViewMaker& views = *view_maker;
    const NetworkEpoch epoch{recipe, samples, views, recipe.warm_up, recipe.warm_up, 0};
    std::vector<bool> labelled(80);
    for (std::size_t i = 0; i < labelled.size(); i += 2) labelled[i] = true;
    Division division;
    division.partition = partition_where(labelled);
    division.num_clean = 40;
    division.weight.assign(80, 0.75);
    batch = SemiSupervisedSampler(epoch, division).next();
    noisy_labels = data.noisy_labels;
  }

  Recipe recipe;
  Batch batch;
  std::vector<std::int64_t> noisy_labels;
};

std::vector<std::int64_t> values(const Tensor& tensor) {
  const auto span = tensor.span<std::int64_t>();
  return {span.begin(), span.end()};
}

TEST(SemiSupervisedSampler, ClassSetsAreOfTheSamplesThemselves) {
  const OneBatch one(ClassSetRows::kSample);
  const auto rows = values(one.batch.set_rows);
  const auto labels = values(one.batch.set_labels);
  ASSERT_EQ(rows.size(), 16U);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i] % 2, i < 8 ? 0 : 1) << "labelled ones first";
    EXPECT_EQ(labels[i], one.noisy_labels[static_cast<std::size_t>(rows[i])]);
  }
  EXPECT_EQ(values(one.batch.labels), std::vector(labels.begin(), labels.begin() + 8));
}

/// The published script takes the logits of the sample that has this number in the whole set.
TEST(SemiSupervisedSampler, ClassSetsOfTheReferenceAreLookedUpByThePositionInTheSubset) {
  const auto own = values(OneBatch(ClassSetRows::kSample).batch.set_rows);
  const OneBatch one(ClassSetRows::kSubset);
  EXPECT_EQ(values(one.batch.set_labels), values(OneBatch(ClassSetRows::kSample).batch.set_labels));
  const auto rows = values(one.batch.set_rows);
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], own[i] / 2) << i;
}

}  // namespace
}  // namespace bptplr
