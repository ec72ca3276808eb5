// One training iteration of each method that BPT-PLR is compared with, against the same iteration
// written in PyTorch (tools/oracle): from the same weights, images and random choices.
#include <gtest/gtest.h>

#include <optional>

#include "bpt_plr/recipe/builtin.hpp"
#include "tests/bpt_plr/golden_iteration.hpp"

namespace bptplr {
namespace {

/// X and U of different sizes, as the last batch of a pass or UNICON's batches have them.
GoldenIteration golden_of(const std::string& file) {
  PreActResNetConfig config;
  config.heads = {6, 8};
  config.width = 2;
  config.blocks = {1, 1, 1, 1};
  return {file, "iteration/", config};
}

void expect_method(const std::string& method, std::optional<ContrastKind> contrastive,
                   const std::string& variant, const std::string& contrastive_key) {
  const GoldenIteration golden = golden_of(method);
  Recipe recipe = method_recipe(method);
  if (contrastive) recipe.contrastive = *contrastive;
  IterationStart k = golden.start_of_k();
  golden.expect_iteration(k, recipe, variant, contrastive_key);
}

TEST(MethodIteration, DivideMixMatchesPyTorch) {
  expect_method("dividemix", {}, "dividemix", "");
}

TEST(MethodIteration, UniconMatchesPyTorch) {
  expect_method("unicon", {}, "unicon", "loss_simclr");
}

TEST(MethodIteration, PlReMixMatchesPyTorch) {
  expect_method("plremix", {}, "flat_plr", "loss_plr");
  expect_method("plremix", ContrastKind::kPlr, "plr", "loss_plr");
}

TEST(MethodIteration, TargetsMatchPyTorch) {
  for (const char* method : {"dividemix", "unicon", "plremix"}) {
    SCOPED_TRACE(method);
    const GoldenIteration golden = golden_of(method);
    IterationStart k = golden.start_of_k();
    IterationStart j = golden.start_of_j();
    const Recipe recipe = method_recipe(method);
    ASSERT_EQ(golden.scalar("temperature"), recipe.T);
    const SemiSupervisedStep step(recipe, 0, k.network, j.network, k.optimizer);
    const Targets targets = step.make_targets(golden.batch(), golden.views());
    EXPECT_LT(relative_error(targets.labelled, golden["t_x"]), 1e-4);
    EXPECT_LT(relative_error(targets.unlabelled, golden["t_u"]), 1e-4);
  }
}

}  // namespace
}  // namespace bptplr
