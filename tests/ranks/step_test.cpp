// One iteration of every kind in float64, where rounding hides nothing: ranks compute the losses,
// gradients and running statistics of one process.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "bpt_plr/method/semi_supervised_step.hpp"
#include "bpt_plr/method/warm_up_step.hpp"
#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/learner.hpp"
#include "engine/ops.hpp"
#include "tests/bpt_plr/small_recipe.hpp"
#include "tests/golden.hpp"
#include "tests/ranks/ranks.hpp"

namespace bptplr {
namespace {

constexpr double kTolerance = 1e-10;
constexpr std::int64_t kClasses = 10;
constexpr std::int64_t kSide = 32;

Tensor random_normal(Shape shape, std::uint32_t stream) {
  Philox random(1, Purpose::kTest, 0, stream);
  Tensor t = Tensor::empty(std::move(shape), DType::kFloat64);
  std::generate_n(t.data<double>(), t.numel(), [&] { return random.normal(); });
  return t;
}

std::vector<std::int64_t> random_labels(std::int64_t n, std::uint32_t stream) {
  Philox random(2, Purpose::kTest, 0, stream);
  std::vector<std::int64_t> labels(static_cast<std::size_t>(n));
  for (std::int64_t& label : labels) label = random.below(kClasses);
  return labels;
}

/// A learner in float64 whose optimiser sums over the group.
struct DoubleLearner {
  std::unique_ptr<Network> network;
  std::optional<Sgd> optimizer;

  DoubleLearner(const Recipe& recipe, int index, Communicator& group)
      : network(make_network(recipe, index)) {
    for (const NamedTensors::Entry& entry : network->named().entries()) {
      Tensor tensor = entry.tensor;
      if (tensor.dtype() == DType::kFloat32) tensor.convert_to(DType::kFloat64);
    }
    optimizer.emplace(network->named().parameters(), recipe.momentum, recipe.weight_decay, group);
  }

  /// Returns the momentum, which after one step is the gradient with the weights' decay, and the
  /// running statistics.
  TensorMap state() const {
    TensorMap state;
    for (const NamedTensors::Entry& entry : network->named().entries()) {
      if (entry.kind == NamedTensors::Kind::kBuffer) state.emplace(entry.name, entry.tensor);
    }
    for (std::size_t i = 0; i < optimizer->velocity().size(); ++i) {
      state.emplace("velocity " + std::to_string(i), optimizer->velocity()[i]);
    }
    return state;
  }
};

/// What a batch of a labelled and b unlabelled samples is made of, of all ranks.
struct Samples {
  std::int64_t x, u;
  Tensor weak, strong;  ///< u1, u2, x1, x2 and x3, x4, u3, u4
  Batch batch;

  Samples(std::int64_t size_x, std::int64_t size_u)
      : x(size_x),
        u(size_u),
        weak(random_normal({2 * (x + u), kSide, kSide, 3}, 1)),
        strong(random_normal({2 * (x + u), kSide, kSide, 3}, 2)) {
    batch.samples = x + u;
    batch.labels = Tensor::from(random_labels(x, 3), {x});
    batch.clean_probability = Tensor::full({x}, 0.7);
    batch.set_labels = Tensor::from(random_labels(x + u, 4), {x + u});
    batch.permutation =
        Tensor::from(Philox(3, Purpose::kTest).permutation(2 * (x + u)), {2 * (x + u)});
    batch.scalars = make_scalars(0.1, 0.8, 3.0, 1.0);
  }

  /// Returns this rank's views.
  StepViews views(Communicator& group, bool mixes_weak) {
    batch.group = &group;
    const Shards weak_shards = batch.shards({u, u, x, x});
    const Shards shards = batch.shards({x, x, u, u});
    const auto own = [](const Tensor& rows, const Shards& of) {
      return of == nullptr ? rows : gather_rows(rows, of->own());
    };
    StepViews made;
    made.weak = own(weak, weak_shards);
    const std::int64_t rows = made.weak.size(0);
    made.combined = Tensor::empty({2 * rows, kSide, kSide, 3}, DType::kFloat64);
    made.strong = made.combined.rows(rows, 2 * rows);
    made.strong.copy_from(own(strong, shards));
    made.class_sets = make_class_sets(random_normal({x + u, kClasses}, 5).to(DType::kFloat32),
                                      batch.set_labels, 2);
    if (shards == nullptr) return made;
    const Tensor mixed =
        mixes_weak ? concat({weak.rows(2 * u, 2 * u + 2 * x), weak.rows(0, 2 * u)}) : strong;
    made.partners = gather_rows(gather_rows(mixed, batch.permutation), shards->own());
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(rows));
    std::iota(numbers.begin(), numbers.end(), 0);
    batch.partner_rows = Tensor::from(numbers, {rows});
    return made;
  }
};

struct Iteration {
  Tensor losses;
  TensorMap state;
};

Recipe double_recipe(const std::string& method, Arch arch) {
  Recipe recipe = small_recipe(method);
  recipe.arch = arch;
  recipe.num_class = kClasses;
  if (arch != Arch::kPreActResNet) {
    recipe.blocks = "";
    recipe.width = 4;
  }
  if (arch == Arch::kVgg19Bn) recipe.pool_side = 1;
  resolve(recipe);
  return recipe;
}

Iteration semi_supervised_iteration(const Recipe& recipe, std::int64_t x, std::int64_t u,
                                    Communicator& group) {
  Samples samples(x, u);
  DoubleLearner k(recipe, 0, group);
  DoubleLearner j(recipe, 1, group);
  const SemiSupervisedStep step(recipe, 0, *k.network, *j.network, *k.optimizer);
  const StepViews views = samples.views(group, recipe.trained_views == TrainedViews::kWeak);
  const Losses losses = step.train(samples.batch, views);
  return {losses.values, k.state()};
}

Iteration warm_up_iteration(const Recipe& recipe, std::int64_t n, Communicator& group) {
  Samples samples(n, 0);
  DoubleLearner k(recipe, 0, group);
  const WarmUpStep step(recipe, *k.network, *k.optimizer);
  Batch& batch = samples.batch;
  batch.group = &group;
  batch.permutation = Tensor::from(Philox(3, Purpose::kTest).permutation(n), {n});
  StepViews views;
  views.weak = samples.weak.rows(0, n);
  views.strong = samples.strong;
  if (const Shards one = batch.shards({n})) {
    views.partners = gather_rows(gather_rows(views.weak, batch.permutation), one->own());
    views.weak = gather_rows(views.weak, one->own());
    views.strong = gather_rows(views.strong, batch.shards({n, n})->own());
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(one->own_rows()));
    std::iota(numbers.begin(), numbers.end(), 0);
    batch.partner_rows = Tensor::from(numbers, {one->own_rows()});
  }
  const Losses losses = step.train(batch, views);
  return {losses.values, k.state()};
}

/// Returns ||a - b|| / max(||b||, 0.001): the gradient of a bias in front of a batch normalisation
/// is zero but for rounding.
double error(const Tensor& a, const Tensor& b) {
  double norm = 0.0;
  for (const double value : b.span<double>()) norm += value * value;
  return norm == 0.0 ? 0.0
                     : relative_error(a, b) * std::sqrt(norm) / std::max(std::sqrt(norm), 1e-3);
}

void expect_same(const Iteration& alone, const Iteration& together) {
  EXPECT_LT(relative_error(together.losses, alone.losses), kTolerance);
  ASSERT_EQ(alone.state.size(), together.state.size());
  for (const auto& [name, tensor] : alone.state) {
    const Tensor& other = together.state.at(name);
    if (tensor.dtype() == DType::kInt64) {
      EXPECT_EQ(other.item(), tensor.item()) << name;
    } else {
      EXPECT_LT(error(other, tensor), kTolerance) << name;
    }
  }
}

/// Batches that the ranks do not share out evenly, of which some ranks have nothing, or without one
/// of the sets.
TEST(RanksFloat64, SemiSupervisedIterationOfAnySizes) {
  const Recipe recipe = double_recipe("bptplr", Arch::kPreActResNet);
  for (const auto& [x, u] : {std::pair{6, 6}, {5, 7}, {2, 9}, {7, 1}, {0, 8}, {8, 0}}) {
    SCOPED_TRACE(testing::Message() << x << " labelled, " << u << " unlabelled");
    expect_same(semi_supervised_iteration(recipe, x, u, Communicator::alone()),
                semi_supervised_iteration(recipe, x, u, ranks()));
  }
}

class RanksFloat64Method : public testing::TestWithParam<const char*> {};

TEST_P(RanksFloat64Method, IterationOfEachKind) {
  const Recipe recipe = double_recipe(GetParam(), Arch::kPreActResNet);
  expect_same(warm_up_iteration(recipe, 9, Communicator::alone()),
              warm_up_iteration(recipe, 9, ranks()));
  if (!divides(recipe)) return;
  expect_same(semi_supervised_iteration(recipe, 5, 6, Communicator::alone()),
              semi_supervised_iteration(recipe, 5, 6, ranks()));
}

INSTANTIATE_TEST_SUITE_P(Every, RanksFloat64Method,
                         testing::Values("bptplr", "plremix", "dividemix", "unicon", "longremix",
                                         "ce", "mixup", "gce"));

class RanksFloat64Network : public testing::TestWithParam<Arch> {};

TEST_P(RanksFloat64Network, IterationOfEachKind) {
  const Recipe recipe = double_recipe("bptplr", GetParam());
  expect_same(warm_up_iteration(recipe, 9, Communicator::alone()),
              warm_up_iteration(recipe, 9, ranks()));
  expect_same(semi_supervised_iteration(recipe, 5, 6, Communicator::alone()),
              semi_supervised_iteration(recipe, 5, 6, ranks()));
}

INSTANTIATE_TEST_SUITE_P(Every, RanksFloat64Network,
                         testing::Values(Arch::kPreActResNet, Arch::kResNet50, Arch::kVgg19Bn,
                                         Arch::kCnn9));

}  // namespace
}  // namespace bptplr
