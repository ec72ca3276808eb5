// From what networks say to labelled and unlabelled sets, for every method: against the same passes
// written with NumPy and scikit-learn (tools/oracle), from the same logits.
#include "bpt_plr/method/selection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numbers>

#include "bpt_plr/method/statistic.hpp"
#include "bpt_plr/recipe/builtin.hpp"
#include "engine/error.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

using Labels = std::vector<std::int64_t>;

Labels integers(const Tensor& tensor) {
  const auto span = tensor.span<std::int64_t>();
  return {span.begin(), span.end()};
}

double number(const Tensor& tensor) {
  return tensor.item();
}

/// Row `i` of a tensor of two axes.
Tensor row(const Tensor& tensor, std::int64_t i) {
  return tensor.rows(i, i + 1).reshape({tensor.size(1)});
}

std::vector<std::uint8_t> bytes_of(const Tensor& flags) {
  std::vector<std::uint8_t> bytes;
  for (const std::int64_t flag : integers(flags)) bytes.push_back(flag != 0 ? 1 : 0);
  return bytes;
}

Recipe recipe_of(const std::string& method) {
  Recipe recipe = method_recipe(method);
  recipe.num_class = 6;
  recipe.loss_history = 1;
  recipe.device = DeviceChoice::kCpu;
  return recipe;
}

/// What a method made of the golden case `prefix`.
struct Pass {
  std::vector<Evidence> evidence;
  std::vector<Division> divisions;
};

void expect_weights(const Division& division, const Tensor& w, double tolerance) {
  ASSERT_EQ(std::ssize(division.weight), w.numel());
  const Tensor weight = Tensor::from(division.weight, {w.numel()});
  EXPECT_LT(relative_error(weight, w), tolerance);
}

void expect_sets(const Division& division, const Golden& golden, const std::string& prefix) {
  EXPECT_EQ(division.partition.labelled, integers(golden[prefix + "labelled"]));
  EXPECT_EQ(division.partition.unlabelled, integers(golden[prefix + "unlabelled"]));
}

/// The normalised losses of earlier epochs, as a checkpoint would hold them for network 1.
TensorMap earlier_losses(const Tensor& history) {
  TensorMap tensors;
  for (std::int64_t e = 0; e < history.size(0); ++e) {
    tensors.emplace("history1." + std::to_string(e), row(history, e));
  }
  return tensors;
}

/// A selection pass of one network over its cross-entropies; `state` is what the selection has
/// kept of earlier epochs.
Pass cross_entropy_pass(const Recipe& plain, const Golden& golden, const std::string& prefix,
                        const TensorMap& state = {}, std::int64_t epoch = -1) {
  Recipe recipe = plain;
  recipe.loss_history = integers(golden[prefix + "average_over"])[0];
  const Tensor& history = golden[prefix + "history"];
  if (epoch < 0) epoch = history.size(0);
  const Labels labels = integers(golden[prefix + "labels"]);
  const auto statistic = make_statistic(recipe);
  statistic->load(earlier_losses(history));
  const KeptOutputs kept{golden[prefix + "logits"], {}, {}};
  Pass pass;
  pass.evidence = statistic->update(epoch, std::vector{&kept}, labels);
  const auto selection = make_selection(recipe);
  selection->load(state);
  const auto start = bytes_of(golden[prefix + "initial_labels"]);
  pass.divisions = selection->divide({epoch, epoch, labels, start}, pass.evidence);
  return pass;
}

TEST(Selection, OfDivideMixMatchesTheOracle) {
  const Golden golden("dividemix");
  for (const std::string& name : golden.cases("selection")) {
    SCOPED_TRACE(name);
    const std::string prefix = "selection/" + name + "/";
    const Pass pass = cross_entropy_pass(recipe_of("dividemix"), golden, prefix);
    ASSERT_EQ(pass.divisions.size(), 1U);
    EXPECT_LT(relative_error(pass.evidence[0].first, golden[prefix + "fitted"]), 1e-5);
    EXPECT_FALSE(pass.evidence[0].second.defined());
    expect_weights(pass.divisions[0], golden[prefix + "w"], 1e-4);
    expect_sets(pass.divisions[0], golden, prefix);
    EXPECT_EQ(pass.divisions[0].num_clean, std::ssize(pass.divisions[0].partition.labelled));
  }
}

TEST(Selection, OfPlReMixMatchesTheOracle) {
  const Golden golden("plremix");
  const Recipe recipe = recipe_of("plremix");
  for (const std::string& name : golden.cases("selection")) {
    SCOPED_TRACE(name);
    const std::string prefix = "selection/" + name + "/";
    const Labels labels = integers(golden[prefix + "labels"]);
    const KeptOutputs kept{golden[prefix + "z"], golden[prefix + "s"], {}};
    const auto evidence = make_statistic(recipe)->update(0, std::vector{&kept}, labels);
    EXPECT_LT(relative_error(evidence[0].first, golden[prefix + "loss"]), 1e-5);
    EXPECT_LT(relative_error(evidence[0].second, golden[prefix + "loss_proto"]), 1e-5);
    const auto start = bytes_of(golden[prefix + "initial_labels"]);
    const auto divisions = make_selection(recipe)->divide({0, 0, labels, start}, evidence);
    expect_weights(divisions[0], golden[prefix + "w"], 1e-4);
    expect_sets(divisions[0], golden, prefix);
  }
}

TEST(Selection, OfUniconMatchesTheOracle) {
  const Golden golden("unicon");
  for (const std::string& name : golden.cases("selection")) {
    SCOPED_TRACE(name);
    const std::string prefix = "selection/" + name + "/";
    Recipe recipe = recipe_of("unicon");
    recipe.d_mu = number(golden[prefix + "d_mu"]);
    recipe.filter_tau = number(golden[prefix + "tau"]);
    recipe.jsd_base = number(golden[prefix + "log_base"]) == 2.0 ? JsdBase::kTwo : JsdBase::kE;
    const Labels labels = integers(golden[prefix + "labels"]);
    const KeptOutputs first{golden[prefix + "logits_1"], {}, {}};
    const KeptOutputs second{golden[prefix + "logits_2"], {}, {}};
    const auto evidence = make_statistic(recipe)->update(0, std::vector{&first, &second}, labels);
    ASSERT_EQ(evidence.size(), 1U) << "of both networks together";
    EXPECT_LT(relative_error(evidence[0].first, golden[prefix + "distance"]), 1e-5);
    const auto divisions = make_selection(recipe)->divide({0, 0, labels}, evidence);
    ASSERT_EQ(divisions.size(), 1U);
    expect_weights(divisions[0], golden[prefix + "w"], 1e-5);
    expect_sets(divisions[0], golden, prefix);
    EXPECT_EQ(divisions[0].num_clean, integers(golden[prefix + "below"])[0]);
    EXPECT_EQ(divisions[0].partition.budget, integers(golden[prefix + "budget"])[0]);
    EXPECT_FALSE(divisions[0].gmm.has_value());
  }
}

/// Evidence by which exactly the flagged samples are clean.
Evidence evidence_for(const Tensor& flags) {
  std::vector<float> losses;
  for (const std::int64_t clean : integers(flags)) losses.push_back(clean != 0 ? 0.0F : 1.0F);
  return {Tensor::from(losses, {std::ssize(losses)}), {}};
}

TEST(Selection, RunsOfCleanEpochsAndTheLargestSetMatchTheOracle) {
  const Golden golden("longremix");
  for (const std::string& name : golden.cases("sets")) {
    SCOPED_TRACE(name);
    const std::string prefix = "sets/" + name + "/";
    const Tensor& clean = golden[prefix + "clean"];
    Recipe recipe = recipe_of("longremix");
    recipe.num_epochs = clean.size(0);
    recipe.warm_up = 0;
    recipe.run_length = integers(golden[prefix + "run_length"])[0];
    recipe.confident_window = integers(golden[prefix + "last"])[0];
    const Labels labels(static_cast<std::size_t>(clean.size(1)), 0);
    auto selection = make_selection(recipe);
    TensorMap state;
    for (std::int64_t e = 0; e < clean.size(0); ++e) {
      selection = make_selection(recipe);  // each epoch in a new process
      selection->load(state);
      const auto divisions =
          selection->divide({e, e, labels}, std::vector{evidence_for(row(clean, e))});
      Labels expected;
      const Labels confident = integers(row(golden[prefix + "confident"], e));
      for (std::size_t i = 0; i < confident.size(); ++i) {
        if (confident[i] != 0) expected.push_back(static_cast<std::int64_t>(i));
      }
      EXPECT_EQ(divisions[0].partition.labelled, expected) << "epoch " << e;
      state.clear();
      selection->save(state);
    }
    const auto largest = state.at("confident").span<std::uint8_t>();
    EXPECT_EQ(std::vector<std::uint8_t>(largest.begin(), largest.end()),
              bytes_of(golden[prefix + "largest"]));
  }
}

TEST(Selection, OfLongReMixsFirstRunMatchesTheOracle) {
  const Golden golden("longremix");
  for (const std::string& name : golden.cases("first")) {
    SCOPED_TRACE(name);
    const std::string prefix = "first/" + name + "/";
    Recipe recipe = recipe_of("longremix");
    recipe.run_length = integers(golden[prefix + "run_length"])[0];
    const Tensor& history = golden[prefix + "clean_history"];
    TensorMap state;
    for (std::int64_t e = 0; e < history.size(0); ++e) {
      const auto clean = bytes_of(row(history, e));
      state.emplace("clean1." + std::to_string(e), Tensor::from(clean, {std::ssize(clean)}));
    }
    const Pass pass = cross_entropy_pass(recipe, golden, prefix, state, history.size(0));
    expect_weights(pass.divisions[0], golden[prefix + "w"], 1e-4);
    expect_sets(pass.divisions[0], golden, prefix);
    const Labels clean = integers(golden[prefix + "clean"]);
    EXPECT_EQ(pass.divisions[0].num_clean, std::ranges::count(clean, 1));
  }
}

TEST(Selection, OfLongReMixsSecondRunMatchesTheOracle) {
  const Golden golden("longremix");
  for (const std::string& name : golden.cases("second")) {
    SCOPED_TRACE(name);
    const std::string prefix = "second/" + name + "/";
    Recipe recipe = recipe_of("longremix");
    recipe.selection = SelectionKind::kGmmConfident;
    const auto set = bytes_of(golden[prefix + "confident"]);
    const Pass pass = cross_entropy_pass(recipe, golden, prefix,
                                         {{"confident", Tensor::from(set, {std::ssize(set)})}});
    expect_weights(pass.divisions[0], golden[prefix + "w"], 1e-4);
    expect_sets(pass.divisions[0], golden, prefix);
  }
}

TEST(Selection, WithoutAFirstRunThereIsNoSet) {
  Recipe recipe = recipe_of("longremix");
  recipe.selection = SelectionKind::kGmmConfident;
  const Labels labels(10, 0);
  const Evidence evidence{Tensor::zeros({10}), {}};
  EXPECT_THROW(make_selection(recipe)->divide({0, 0, labels}, std::vector{evidence}), Error);
}

TEST(Selection, OfUniconComparesAsFloat32ButTheMeanAsDouble) {
  const Labels labels{0, 1, 0, 1};
  const auto divide = [&](std::vector<float> distances, double trust_below, double d_mu) {
    Recipe recipe = recipe_of("unicon");
    recipe.num_class = 2;
    recipe.trust_below = trust_below;
    recipe.d_mu = d_mu;
    const Evidence evidence{Tensor::from(distances, {4}), {}};
    return make_selection(recipe)->divide({0, 0, labels}, std::vector{evidence})[0];
  };
  // 0.3f is below 0.3 only as a double.
  EXPECT_LT(divide({0.3F, 0.1F, 0.1F, 0.1F}, 0.3, 0.7).weight[0], 1.0);
  EXPECT_EQ(divide({0.3F, 0.1F, 0.1F, 0.1F}, 0.3001, 0.7).weight[0], 1.0);
  // A distance at the mean is not below it.
  EXPECT_EQ(divide({0.1F, 0.1F, 0.1F, 0.1F}, 0.5, 0.7).num_clean, 0);
  // The mean 0.1f is greater than 0.1 as a double, so that the cut-off is lowered to 0.08.
  EXPECT_EQ(divide({0.31F, 0.09F, 0.0F, 0.0F}, 0.5, 0.7).num_clean, 3);
  EXPECT_EQ(divide({0.31F, 0.09F, 0.0F, 0.0F}, 0.5, 0.1).num_clean, 2);
}

TEST(Selection, NamesEvidenceThatIsNotFinite) {
  const Labels labels(4, 0);
  for (const SelectionKind kind : {SelectionKind::kGmm, SelectionKind::kGmmBalanced,
                                   SelectionKind::kUniform, SelectionKind::kSmallLoss}) {
    Recipe recipe = recipe_of("dividemix");
    recipe.selection = kind;
    const Evidence evidence{Tensor::from(std::vector<float>{0.1F, NAN, 0.5F, 1.0F}, {4}), {}};
    try {
      make_selection(recipe)->divide({0, 0, labels}, std::vector{evidence});
      ADD_FAILURE() << name_of(kind);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("sample 1 is nan"), std::string::npos)
          << error.what();
    }
  }
}

TEST(Selection, BalancedTakesEquallyManyOfEachClassAndPlainAllCleanOnes) {
  std::vector<float> losses;
  Labels labels;
  for (int i = 0; i < 60; ++i) {
    labels.push_back(i < 40 ? 0 : 1);
    losses.push_back(i % 4 == 0 ? 0.9F : 0.02F + 0.001F * static_cast<float>(i));
  }
  Recipe recipe = recipe_of("dividemix");
  recipe.num_class = 2;
  const std::vector<Evidence> evidence{{Tensor::from(losses, {60}), {}}};
  const Division plain = make_selection(recipe)->divide({0, 0, labels}, evidence)[0];
  EXPECT_EQ(plain.partition.labelled.size(), 45U);
  recipe.selection = SelectionKind::kGmmBalanced;
  const Division balanced = make_selection(recipe)->divide({0, 0, labels}, evidence)[0];
  EXPECT_EQ(balanced.weight, plain.weight);
  EXPECT_EQ(balanced.num_clean, 45);
  EXPECT_EQ(balanced.partition.labelled.size(), 20U + 22U) << "class 1 has 20 samples";
}

}  // namespace
}  // namespace bptplr
