// Which samples move prototypes: the self-adaptive threshold against tools/oracle/plremix.py. The
// fixed one is in tests/kernels/prototypes_test.cpp.
#include "bpt_plr/method/pseudo_labels.hpp"

#include <gtest/gtest.h>

#include "bpt_plr/method/ops.hpp"
#include "bpt_plr/method/prototypes.hpp"
#include "bpt_plr/recipe/builtin.hpp"
#include "engine/error.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

Recipe self_adaptive_recipe() {
  Recipe recipe = method_recipe("plremix");
  recipe.num_class = 6;
  return recipe;
}

TEST(PseudoLabels, TheSelfAdaptiveThresholdMatchesTheOracle) {
  const Golden golden("plremix");
  Recipe recipe = self_adaptive_recipe();
  TensorMap state;
  for (int update = 0; update < 4; ++update) {
    SCOPED_TRACE(update);
    const std::string prefix = "threshold/" + std::to_string(update) + "/";
    recipe.num_epochs = golden[prefix + "num_epochs"].data<std::int64_t>()[0];
    recipe.pseudo_momentum = golden[prefix + "momentum"].item();
    const auto pseudo_labels = make_pseudo_labels(recipe);
    if (update > 0) pseudo_labels->load(state);  // as a run that goes on
    const KeptOutputs kept{golden[prefix + "z"], golden[prefix + "s"], golden[prefix + "q"]};
    const Tensor classes =
        pseudo_labels->choose(kept, golden[prefix + "epoch"].data<std::int64_t>()[0]);
    for (std::int64_t i = 0; i < classes.numel(); ++i) {
      const bool counts = golden[prefix + "mask"].data<std::int64_t>()[i] != 0;
      EXPECT_EQ(classes.data<std::int64_t>()[i] >= 0, counts) << "sample " << i;
    }
    state.clear();
    pseudo_labels->save(state);
    const Tensor& averages = state.at("pseudo_label_averages");
    EXPECT_NEAR(averages.data<double>()[6], golden[prefix + "confidence"].item(), 1e-6);
    for (int c = 0; c < 6; ++c) {
      EXPECT_NEAR(averages.data<double>()[c], golden[prefix + "share"].data<double>()[c], 1e-6);
    }
    Tensor prototypes = golden[prefix + "prototypes"].clone();
    update_prototypes(kept.projection, classes, golden[prefix + "proto_momentum"].item(),
                      prototypes);
    EXPECT_LT(relative_error(prototypes, golden[prefix + "prototypes_after"]), 1e-5);
  }
}

TEST(PseudoLabels, ACheckpointWithoutAveragesIsNamed) {
  EXPECT_THROW(make_pseudo_labels(self_adaptive_recipe())->load({}), Error);
}

}  // namespace
}  // namespace bptplr
