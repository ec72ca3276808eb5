// Whole iterations, warm-up and training, against the same iterations written in PyTorch
// (tools/oracle/bpt_plr.py): from the same weights, images and random choices.
#include "bpt_plr/iteration.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <cstring>

#include "bpt_plr/warmup.hpp"
#include "engine/ops.hpp"
#include "models/preact_resnet.hpp"
#include "tests/device.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

const Golden& golden() {
  static const Golden file("iteration");
  return file;
}

float scalar(const std::string& key) {
  return golden()[key].data<float>()[0];
}

std::vector<std::int64_t> integers(const std::string& key) {
  const auto span = golden()[key].span<std::int64_t>();
  return {span.begin(), span.end()};
}

PreActResNetConfig small_config() {
  PreActResNetConfig config;
  config.width = 8;
  config.blocks = {1, 1, 1, 1};
  return config;
}

PreActResNet make_network() {
  PreActResNet network(small_config(), 1, 0);
  network.named().move_to(test_device());
  return network;
}

/// A tensor of the golden file on the device under test.
Tensor input(const std::string& key) {
  return golden()[key].to(test_device());
}

/// Network and optimiser as the golden file has them before the step.
struct Start {
  PreActResNet network;
  Sgd optimizer;

  explicit Start(const std::string& prefix)
      : network(make_network()),
        optimizer(network.named().parameters(), scalar("momentum"), scalar("weight_decay")) {
    network.named().load_state_dict(golden().with_prefix(prefix + "/"));
  }
};

/// The momentum buffers under the names of their parameters; reads and writes PyTorch's layout.
NamedTensors named_momentum(Start& start) {
  NamedTensors names;
  std::size_t i = 0;
  for (const auto& entry : start.network.named().entries()) {
    if (entry.kind == NamedTensors::Kind::kBuffer) continue;
    names.add(entry.name, start.optimizer.velocity()[i++], entry.kind);
  }
  return names;
}

Start start_of_k() {
  Start start("k");
  named_momentum(start).load_state_dict(golden().with_prefix("k_momentum/"));
  return start;
}

Tensor on_device(const std::vector<std::int64_t>& values) {
  return Tensor::from(values, {std::ssize(values)}).to(test_device());
}

IterationBatch golden_batch() {
  IterationBatch batch;
  const auto view = [](const char* name) { return input(std::string("views/") + name); };
  batch.weak = concat({view("u1"), view("u2"), view("x1"), view("x2")});
  const Tensor strong = concat({view("x3"), view("x4"), view("u3"), view("u4")});
  batch.combined = concat({Tensor::empty_like(strong), strong});
  batch.labels = input("y");
  batch.clean_probability = input("w");
  std::vector<std::int64_t> labels = integers("y");
  const std::vector<std::int64_t> unlabelled = integers("y_u");
  labels.insert(labels.end(), unlabelled.begin(), unlabelled.end());
  batch.class_sets = make_class_sets(concat({input("z_x"), input("z_u")}), on_device(labels),
                                     integers("kappa")[0]);
  batch.permutation = input("perm");
  const IterationScalars scalars{scalar("lr"), scalar("l"), {1.0, scalar("lambda"), 1.0}};
  batch.scalars = Tensor::from_bytes(std::as_bytes(std::span(&scalars, 1)), test_device());
  return batch;
}

IterationOptions golden_options(Contrastive contrastive) {
  IterationOptions options;
  options.sharpen_temperature = scalar("temperature");
  options.tau = scalar("tau");
  options.contrastive = contrastive;
  return options;
}

/// Running statistics, momentum and weights after the step. Where the file leaves out the weights
/// they follow from the momentum: k - lr * momentum.
void compare_after(Start& start, const std::string& variant) {
  const TensorMap state = start.network.named().state_dict();
  const TensorMap after = golden().with_prefix(variant + "/k_after/");
  ASSERT_FALSE(after.empty());
  for (const auto& [name, expected] : after) {
    EXPECT_LT(relative_error(state.at(name), expected), 1e-3) << name;
  }
  const TensorMap momentum = named_momentum(start).state_dict();
  const TensorMap expected_momentum = golden().with_prefix(variant + "/k_momentum_after/");
  ASSERT_EQ(momentum.size(), expected_momentum.size());
  for (const auto& [name, expected] : expected_momentum) {
    EXPECT_LT(relative_error(momentum.at(name), expected), 1e-3) << name;
    Tensor weights = golden()["k/" + name].clone();
    for (std::int64_t i = 0; i < weights.numel(); ++i) {
      weights.data<float>()[i] -= scalar("lr") * expected.data<float>()[i];
    }
    EXPECT_LT(relative_error(state.at(name), weights), 1e-3) << name;
  }
}

void compare_training_iteration(const std::string& variant, Contrastive contrastive) {
  Start k = start_of_k();
  Start j("j");
  const TensorMap j_before = j.network.named().state_dict();
  IterationBatch batch = golden_batch();
  const auto losses = IterationLosses::from(
      queue_iteration(k.network, j.network, k.optimizer, batch, golden_options(contrastive)));
  const auto near = [&](double value, const char* name) {
    const double expected = scalar(variant + "/" + name);
    EXPECT_NEAR(value, expected, 1e-4 * std::max(1e-2, std::abs(expected))) << name;
  };
  near(losses.loss_x, "loss_x");
  near(losses.loss_u, "loss_u");
  near(losses.penalty, "penalty");
  near(losses.contrastive, "loss_plr");
  near(losses.total, "loss");
  compare_after(k, variant);
  for (const auto& [name, tensor] : j.network.named().state_dict()) {
    const auto bytes = static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype());
    EXPECT_EQ(std::memcmp(tensor.raw(), j_before.at(name).raw(), bytes), 0) << name;
  }
}

TEST(TrainingIteration, MatchesPyTorchWithPlr) {
  compare_training_iteration("plr", Contrastive::kPlr);
}

TEST(TrainingIteration, MatchesPyTorchWithFlatPlr) {
  compare_training_iteration("flat_plr", Contrastive::kFlatPlr);
}

TEST(TrainingIteration, TargetsMatchPyTorch) {
  Start k = start_of_k();
  Start j("j");
  const Targets targets = make_targets(k.network, j.network, golden_batch(), scalar("temperature"));
  EXPECT_LT(relative_error(targets.labelled, golden()["t_x"]), 1e-4);
  EXPECT_LT(relative_error(targets.unlabelled, golden()["t_u"]), 1e-4);
}

/// What targets need of the first samples of the golden batch.
IterationBatch first_samples(std::int64_t size_u, std::int64_t size_x) {
  IterationBatch batch = golden_batch();
  const auto first = [](const char* name, std::int64_t size) {
    return input(std::string("views/") + name).rows(0, size);
  };
  batch.weak =
      concat({first("u1", size_u), first("u2", size_u), first("x1", size_x), first("x2", size_x)});
  batch.labels = batch.labels.rows(0, size_x);
  batch.clean_probability = batch.clean_probability.rows(0, size_x);
  return batch;
}

/// One pass over equal sets, and one for each of unequal ones, as the last batch of a pass over the
/// data may have: both give what the unlabelled set and after it the labelled one give alone.
TEST(TrainingIteration, TargetsAndStatisticsAreThoseOfTheSetsOneAfterTheOther) {
  const std::int64_t size = golden_batch().size_x();
  const double temperature = scalar("temperature");
  for (const auto& [size_u, size_x] : {std::pair{size, size}, {size, size - 1}, {size - 1, size}}) {
    SCOPED_TRACE(testing::Message() << size_u << " unlabelled, " << size_x << " labelled");
    Start j("j");
    Start together = start_of_k();
    const Targets targets =
        make_targets(together.network, j.network, first_samples(size_u, size_x), temperature);
    Start apart = start_of_k();
    const Tensor unlabelled =
        make_targets(apart.network, j.network, first_samples(size_u, 0), temperature).unlabelled;
    const Tensor labelled =
        make_targets(apart.network, j.network, first_samples(0, size_x), temperature).labelled;
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
    Start k = start_of_k();
    Start j("j");
    IterationBatch batch = golden_batch();
    const std::int64_t half = batch.combined.size(0) / 2;
    const std::int64_t middle = half + half / 2;
    const Tensor strong =
        keep_labelled ? batch.combined.rows(half, middle) : batch.combined.rows(middle, 2 * half);
    batch.combined = concat({Tensor::empty_like(strong), strong});
    std::vector<std::int64_t> backwards;
    for (std::int64_t i = half / 2; i > 0; --i) backwards.push_back(i - 1);
    batch.permutation = on_device(backwards);
    const Tensor z = input(keep_labelled ? "z_x" : "z_u");
    batch.class_sets = make_class_sets(z, input(keep_labelled ? "y" : "y_u"), 2);
    const std::int64_t end_u = 2 * batch.size_u();
    batch.weak =
        keep_labelled ? batch.weak.rows(end_u, batch.weak.size(0)) : batch.weak.rows(0, end_u);
    if (!keep_labelled) {
      batch.labels = batch.labels.rows(0, 0);
      batch.clean_probability = batch.clean_probability.rows(0, 0);
    }
    const auto losses = IterationLosses::from(queue_iteration(
        k.network, j.network, k.optimizer, batch, golden_options(Contrastive::kPlr)));
    EXPECT_TRUE(std::isfinite(losses.total));
    EXPECT_EQ(losses.loss_x == 0.0, !keep_labelled);
    EXPECT_EQ(losses.loss_u == 0.0, keep_labelled);
  }
}

TEST(TrainingIteration, SameBitsForAnyNumberOfThreads) {
  const int before = omp_get_max_threads();
  const auto run = [](int threads) {
    omp_set_num_threads(threads);
    Start k = start_of_k();
    Start j("j");
    IterationBatch batch = golden_batch();
    queue_iteration(k.network, j.network, k.optimizer, batch, golden_options(Contrastive::kPlr));
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

TEST(WarmUpIteration, MatchesPyTorch) {
  Start k = start_of_k();
  WarmUpBatch batch;
  batch.weak = input("warmup/weak");
  batch.strong = concat({input("warmup/strong1"), input("warmup/strong2")});
  batch.labels = integers("warmup/labels");
  WarmUpOptions options;
  options.lr = scalar("lr");
  options.negative_entropy = true;
  const WarmUpLosses losses = warm_up_iteration(k.network, k.optimizer, batch, options);
  EXPECT_NEAR(losses.cross_entropy, scalar("warmup/loss_ce"), 1e-4);
  EXPECT_NEAR(losses.negative_entropy, scalar("warmup/neg_entropy"), 1e-4);
  EXPECT_NEAR(losses.contrastive, scalar("warmup/contrastive"), 1e-4);
  compare_after(k, "warmup");
}

TEST(WarmUpIteration, WithoutContrastiveGradientTheProjectorStands) {
  Start k = start_of_k();
  const TensorMap before = k.network.named().state_dict();
  WarmUpBatch batch;
  batch.weak = input("warmup/weak");
  batch.strong = concat({input("warmup/strong1"), input("warmup/strong2")});
  batch.labels = integers("warmup/labels");
  WarmUpOptions options;
  options.contrastive_grad = false;
  warm_up_iteration(k.network, k.optimizer, batch, options);
  const TensorMap after = k.network.named().state_dict();
  EXPECT_EQ(relative_error(after.at("projector.0.weight"), before.at("projector.0.weight")), 0.0);
  EXPECT_GT(relative_error(after.at("linear.weight"), before.at("linear.weight")), 0.0);
  EXPECT_EQ(after.at("bn1.num_batches_tracked").item(), 2.0);  // weak, then strong
}

}  // namespace
}  // namespace bptplr
