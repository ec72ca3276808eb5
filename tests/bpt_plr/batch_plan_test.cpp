// The iterations of an epoch of every method, against tools/oracle/selection.py.
#include <gtest/gtest.h>

#include <numeric>

#include "bpt_plr/batch_maker.hpp"
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

Iterations iterations_of(const EpochPlan& plan, std::int64_t size_x, std::int64_t size_u) {
  ShuffledPasses x(size_x, plan.batch_x, plan.incomplete, 1, Purpose::kTest, 0, 0);
  ShuffledPasses u(size_u, plan.batch_u, plan.incomplete, 1, Purpose::kTest, 0, 1);
  Iterations iterations;
  for (std::int64_t i = 0; i < plan.iterations; ++i) {
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
    // Where a set fills no batch, the published codes train nothing or stop; the engine goes on.
    if (expected.size(0) == 0) continue;
    Recipe recipe = plain;
    recipe.batch_size = args[2];
    const std::int64_t num_clean = golden[prefix + "args"].numel() > 3 ? args[3] : args[0];
    const Division division = division_of(args[0], args[1], num_clean);
    const Iterations actual = iterations_of(plan_epoch(recipe, division), args[0], args[1]);
    ASSERT_EQ(std::ssize(actual), expected.size(0));
    for (std::size_t i = 0; i < actual.size(); ++i) {
      const std::int64_t* row = expected.data<std::int64_t>() + 3 * i;
      EXPECT_EQ(actual[i], (std::array<std::int64_t, 3>{row[0], row[1], row[2]})) << i;
    }
  }
}

TEST(EpochPlan, OfDivideMixUniconAndPlReMixMatchesTheOracle) {
  for (const char* method : {"dividemix", "unicon", "plremix"}) {
    SCOPED_TRACE(method);
    expect_golden(Golden(method), method_recipe(method));
  }
}

TEST(EpochPlan, OfLongReMixsSecondRunMatchesTheOracle) {
  Recipe recipe = method_recipe("longremix");
  recipe.epoch_length = "all";
  expect_golden(Golden("longremix"), recipe);
}

TEST(EpochPlan, OfBptPlrCoversAllSamples) {
  Recipe recipe;
  recipe.batch_size = 64;
  const EpochPlan plan = plan_epoch(recipe, division_of(100, 540, 100));
  EXPECT_EQ(plan.iterations, 11);
  EXPECT_EQ(plan.incomplete, Incomplete::kDrop);
}

TEST(EpochPlan, GoesOnWithWhatThereIs) {
  Recipe recipe = method_recipe("unicon");
  recipe.batch_size = 64;
  EXPECT_EQ(plan_epoch(recipe, division_of(30, 970, 30)).iterations, 1);
  EXPECT_EQ(plan_epoch(recipe, division_of(30, 970, 30)).batch_u, 640) << "at most 10 B";
  EXPECT_EQ(plan_epoch(recipe, division_of(0, 130, 0)).iterations, 2) << "the other set";
  EXPECT_EQ(plan_epoch(recipe, division_of(128, 0, 128)).iterations, 2);
}

}  // namespace
}  // namespace bptplr
