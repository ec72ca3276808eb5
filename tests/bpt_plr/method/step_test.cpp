// Whole iterations, warm-up and training, against the same iterations written in PyTorch
// (tools/oracle/bpt_plr.py): from the same weights, images and random choices.
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>

#include "bpt_plr/method/warm_up_step.hpp"
#include "tests/bpt_plr/golden_iteration.hpp"

namespace bptplr {
namespace {

const GoldenIteration& golden() {
  static const GoldenIteration file = [] {
    PreActResNetConfig config;
    config.width = 8;
    config.blocks = {1, 1, 1, 1};
    return GoldenIteration("iteration", "", config);
  }();
  return file;
}

/// The step of BPT-PLR.
SemiSupervisedStep plr_step(IterationStart& k, IterationStart& j) {
  return {Recipe{}, 0, k.network, j.network, k.optimizer};
}

TEST(TrainingIteration, MatchesPyTorch) {
  for (const ContrastKind contrastive : {ContrastKind::kPlr, ContrastKind::kFlatPlr}) {
    const std::string variant(name_of(contrastive));
    SCOPED_TRACE(variant);
    Recipe recipe;
    recipe.contrastive = contrastive;
    IterationStart k = golden().start_of_k();
    golden().expect_iteration(k, recipe, variant, "loss_plr");
    EXPECT_FALSE(golden().after(variant + "/k_after/").empty());
  }
}

TEST(TrainingIteration, TargetsMatchPyTorch) {
  IterationStart k = golden().start_of_k();
  IterationStart j = golden().start_of_j();
  ASSERT_EQ(golden().scalar("temperature"), Recipe{}.T);
  const Targets targets = plr_step(k, j).make_targets(golden().batch(), golden().views());
  EXPECT_LT(relative_error(targets.labelled, golden()["t_x"]), 1e-4);
  EXPECT_LT(relative_error(targets.unlabelled, golden()["t_u"]), 1e-4);
}

/// Returns targets of the first samples of the golden batch.
Targets targets_of_first(IterationStart& k, IterationStart& j, std::int64_t size_u,
                         std::int64_t size_x) {
  const auto first = [](const char* name, std::int64_t size) {
    return golden().view(name).rows(0, size);
  };
  StepViews views;
  views.weak =
      concat({first("u1", size_u), first("u2", size_u), first("x1", size_x), first("x2", size_x)});
  Batch batch = golden().batch();
  batch.labels = batch.labels.rows(0, size_x);
  batch.clean_probability = batch.clean_probability.rows(0, size_x);
  batch.samples = size_u + size_x;
  return plr_step(k, j).make_targets(batch, views);
}

/// One pass over equal sets, and one for each of unequal ones, as the last batch of a pass over the
/// data may have: both give what the unlabelled set and after it the labelled one give alone.
TEST(TrainingIteration, TargetsAndStatisticsAreThoseOfTheSetsOneAfterTheOther) {
  const std::int64_t size = golden().batch().size_x();
  for (const auto& [size_u, size_x] : {std::pair{size, size}, {size, size - 1}, {size - 1, size}}) {
    SCOPED_TRACE(testing::Message() << size_u << " unlabelled, " << size_x << " labelled");
    IterationStart j = golden().start_of_j();
    IterationStart together = golden().start_of_k();
    const Targets targets = targets_of_first(together, j, size_u, size_x);
    IterationStart apart = golden().start_of_k();
    const Tensor unlabelled = targets_of_first(apart, j, size_u, 0).unlabelled;
    const Tensor labelled = targets_of_first(apart, j, 0, size_x).labelled;
    EXPECT_LT(relative_error(targets.unlabelled, unlabelled), 1e-5);
    EXPECT_LT(relative_error(targets.labelled, labelled), 1e-5);
    const TensorMap state = together.network.named().state_dict();
    for (const auto& [name, tensor] : apart.network.named().state_dict()) {
      if (tensor.dtype() == DType::kInt64) {
        EXPECT_EQ(state.at(name).item(), tensor.item()) << name;
      } else {
        EXPECT_LT(relative_error(state.at(name), tensor), 1e-5) << name;
      }
    }
  }
}

/// Without samples on one side the iteration goes on with the other.
TEST(TrainingIteration, EmptyLabelledOrUnlabelledSet) {
  for (const bool keep_labelled : {true, false}) {
    IterationStart k = golden().start_of_k();
    IterationStart j = golden().start_of_j();
    Batch batch = golden().batch();
    StepViews views = golden().views();
    const std::int64_t half = views.rows();
    const std::int64_t middle = half + half / 2;
    const Tensor strong =
        keep_labelled ? views.combined.rows(half, middle) : views.combined.rows(middle, 2 * half);
    views.combined = concat({Tensor::empty_like(strong), strong});
    views.strong = views.combined.rows(half / 2, half);
    const Tensor z = golden().input(keep_labelled ? "z_x" : "z_u");
    views.class_sets = make_class_sets(z, golden().input(keep_labelled ? "y" : "y_u"), 2);
    const std::int64_t end_u = 2 * batch.size_u();
    views.weak = keep_labelled ? views.weak.rows(end_u, half) : views.weak.rows(0, end_u);
    std::vector<std::int64_t> backwards;
    for (std::int64_t i = half / 2; i > 0; --i) backwards.push_back(i - 1);
    batch.permutation = Tensor::from(backwards, {std::ssize(backwards)}).to(test_device());
    batch.samples = half / 4;
    if (!keep_labelled) {
      batch.labels = batch.labels.rows(0, 0);
      batch.clean_probability = batch.clean_probability.rows(0, 0);
    }
    const LossTerms losses = loss_terms(plr_step(k, j).train(batch, views));
    EXPECT_TRUE(std::isfinite(losses.at("loss")));
    EXPECT_EQ(losses.at("loss_x") == 0.0, !keep_labelled);
    EXPECT_EQ(losses.at("loss_u") == 0.0, keep_labelled);
  }
}

TEST(TrainingIteration, SameBitsForAnyNumberOfThreads) {
  const int before = omp_get_max_threads();
  const auto run = [](int threads) {
    omp_set_num_threads(threads);
    IterationStart k = golden().start_of_k();
    IterationStart j = golden().start_of_j();
    plr_step(k, j).train(golden().batch(), golden().views());
    return k.network.named().state_dict();
  };
  const TensorMap one = run(1);
  const TensorMap two = run(2);
  omp_set_num_threads(before);
  for (const auto& [name, tensor] : one) {
    const auto bytes = static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype());
    EXPECT_EQ(std::memcmp(tensor.raw(), two.at(name).raw(), bytes), 0) << name;
  }
}

/// The batch of a warm-up without views: labels, and the MixUp that Recipe::mixup_alpha asks for.
Batch warm_up_batch(const std::vector<std::int64_t>& labels, double mix = 1.0,
                    const std::vector<std::int64_t>& permutation = {}) {
  Batch batch;
  batch.samples = std::ssize(labels);
  batch.labels = Tensor::from(labels, {batch.samples}).to(test_device());
  batch.scalars = make_scalars(golden().scalar("lr"), mix, 0.0, 0.0).to(test_device());
  if (!permutation.empty()) {
    batch.permutation = Tensor::from(permutation, {batch.samples}).to(test_device());
  }
  return batch;
}

StepViews warm_up_views() {
  return {golden().input("warmup/weak"),
          concat({golden().input("warmup/strong1"), golden().input("warmup/strong2")}),
          {},
          {},
          {}};
}

TEST(WarmUpIteration, MatchesPyTorch) {
  IterationStart k = golden().start_of_k();
  Recipe recipe;
  recipe.warm_up_penalty = WarmUpPenalty::kOn;
  const WarmUpStep step(recipe, k.network, k.optimizer);
  const LossTerms losses =
      loss_terms(step.train(warm_up_batch(golden().integers("warmup/labels")), warm_up_views()));
  EXPECT_NEAR(losses.at("loss_ce"), golden().scalar("warmup/loss_ce"), 1e-4);
  EXPECT_NEAR(losses.at("negative_entropy"), golden().scalar("warmup/neg_entropy"), 1e-4);
  EXPECT_NEAR(losses.at("contrastive"), golden().scalar("warmup/contrastive"), 1e-4);
  EXPECT_NEAR(losses.at("loss"),
              losses.at("loss_ce") + losses.at("negative_entropy") + losses.at("contrastive"),
              1e-5);
  EXPECT_FALSE(golden().after("warmup/k_momentum_after/").empty());
  golden().expect_after(k, "warmup");
}

TEST(WarmUpStep, PenalisesConfidenceUnderAsymmetricNoiseUnlessToldOtherwise) {
  const auto penalises = [](NoiseMode noise_mode, WarmUpPenalty penalty) {
    Recipe recipe;
    recipe.noise_mode = noise_mode;
    recipe.warm_up_penalty = penalty;
    return WarmUpStep::wants_negative_entropy(recipe);
  };
  EXPECT_TRUE(penalises(NoiseMode::kAsym, WarmUpPenalty::kAuto));
  EXPECT_FALSE(penalises(NoiseMode::kSym, WarmUpPenalty::kAuto));
  EXPECT_TRUE(penalises(NoiseMode::kSym, WarmUpPenalty::kOn));
  EXPECT_FALSE(penalises(NoiseMode::kAsym, WarmUpPenalty::kOff));
}

/// One iteration of MixUp from the same start.
struct MixedUp {
  double loss_ce;
  TensorMap state;
};

MixedUp mix_up(double mix, const std::vector<std::int64_t>& permutation, const Tensor& weak,
               const std::vector<std::int64_t>& labels) {
  IterationStart k = golden().start_of_k();
  Recipe recipe;
  recipe.warm_up_contrastive = WarmUpContrastive::kNone;
  recipe.mixup_alpha = permutation.empty() ? 0.0 : 1.0;
  const WarmUpStep step(recipe, k.network, k.optimizer);
  const LossTerms losses =
      loss_terms(step.train(warm_up_batch(labels, mix, permutation), {weak, {}, {}, {}, {}}));
  return {losses.at("loss_ce"), k.network.named().state_dict()};
}

/// With the weight 0 each sample is the one that it is mixed with; in between, the loss is linear
/// in the labels.
TEST(WarmUpIteration, MixUpMixesImagesAndLabelsAlike) {
  const Tensor weak = golden().input("warmup/weak");
  const std::vector<std::int64_t> labels = golden().integers("warmup/labels");
  std::vector<std::int64_t> next(labels.size());
  std::vector<std::int64_t> labels_of_next(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    next[i] = static_cast<std::int64_t>((i + 1) % labels.size());
    labels_of_next[i] = labels[static_cast<std::size_t>(next[i])];
  }
  const Tensor weak_of_next = concat({weak.rows(1, weak.size(0)), weak.rows(0, 1)});

  const MixedUp plain = mix_up(1.0, {}, weak, labels);
  const MixedUp whole = mix_up(1.0, next, weak, labels);
  EXPECT_NEAR(whole.loss_ce, plain.loss_ce, 1e-6);
  const MixedUp shifted = mix_up(1.0, {}, weak_of_next, labels_of_next);
  const MixedUp none = mix_up(0.0, next, weak, labels);
  EXPECT_NEAR(none.loss_ce, shifted.loss_ce, 1e-6);
  for (const auto& [name, tensor] : shifted.state) {
    if (tensor.dtype() != DType::kFloat32) continue;
    EXPECT_LT(relative_error(none.state.at(name), tensor), 1e-5) << name;
  }
  const Tensor half = add(scale(weak.clone(), 0.5), scale(weak_of_next.clone(), 0.5));
  const double of_labels = mix_up(1.0, {}, half, labels).loss_ce;
  const double of_next = mix_up(1.0, {}, half, labels_of_next).loss_ce;
  EXPECT_NEAR(mix_up(0.5, next, weak, labels).loss_ce, 0.5 * (of_labels + of_next), 1e-5);
}

TEST(WarmUpIteration, WithoutContrastiveGradientTheProjectorStands) {
  IterationStart k = golden().start_of_k();
  const TensorMap before = k.network.named().state_dict();
  Recipe recipe;
  recipe.warm_up_contrastive_grad = false;
  const WarmUpStep step(recipe, k.network, k.optimizer);
  const Losses losses =
      step.train(warm_up_batch(golden().integers("warmup/labels")), warm_up_views());
  EXPECT_FALSE(loss_terms(losses).contains("contrastive"));
  const TensorMap after = k.network.named().state_dict();
  EXPECT_EQ(relative_error(after.at("projector.0.weight"), before.at("projector.0.weight")), 0.0);
  EXPECT_GT(relative_error(after.at("linear.weight"), before.at("linear.weight")), 0.0);
  EXPECT_EQ(after.at("bn1.num_batches_tracked").item(), 2.0);  // weak, then strong
}

}  // namespace
}  // namespace bptplr
