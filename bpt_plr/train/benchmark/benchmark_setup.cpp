#include "bpt_plr/train/benchmark/benchmark_setup.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "bpt_plr/train/benchmark/benchmark_data.hpp"
#include "bpt_plr/train/epoch.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Returns a data set of random images that suits the recipe's views.
Dataset random_dataset(const BenchmarkOptions& options) {
  Dataset data;
  data.name = "noise";
  data.train.labels.assign(static_cast<std::size_t>(options.pool), 0);
  if (const std::int64_t dim = options.recipe.feature_dim; dim > 0) {
    data.mean.assign(static_cast<std::size_t>(dim), 0.5F);
    data.std.assign(static_cast<std::size_t>(dim), 0.25F);
    data.train.vectors = random_vectors(options.pool, dim);
    return data;
  }
  data.mean = {0.5F, 0.5F, 0.5F};
  data.std = {0.25F, 0.25F, 0.25F};
  data.train.images = random_images(options.pool, static_cast<int>(options.recipe.image_size));
  return data;
}

Recipe with_graph(Recipe recipe, bool cuda_graph) {
  recipe.cuda_graph = cuda_graph;
  return recipe;
}

/// Returns the division of network j. Throws Error where it leaves a set smaller than a batch.
const Division& division_of(const BenchmarkSetup& setup) {
  const Division& division = setup.divisions[1];
  const auto smaller =
      std::min(division.partition.labelled.size(), division.partition.unlabelled.size());
  require(static_cast<std::int64_t>(smaller) >= setup.recipe.batch_size,
          "of {} images of {} classes the partition leaves a set of {}, too few for batches of {}; "
          "use a larger --images or a smaller --batch_size",
          setup.samples.size(), setup.recipe.num_class, smaller, setup.recipe.batch_size);
  return division;
}

}  // namespace

BenchmarkSetup::BenchmarkSetup(const BenchmarkOptions& options, Communicator& ranks)
    : recipe(options.recipe),
      group(ranks),
      device(choose_device(recipe.device)),
      data(random_dataset(options)),
      views(make_view_maker(recipe, data, data.train)),
      samples(random_samples(options.images, options.pool, recipe.num_class)),
      k(recipe, 0, group),
      j(recipe, 1, group),
      parts(recipe) {
  for (const auto& [learner, network] : {std::pair{&k, 0U}, std::pair{&j, 1U}}) {
    learner->kept = random_outputs(samples, recipe.num_class, recipe.low_dim, network, device);
  }
}

void BenchmarkSetup::divide() {
  const EpochNumber epoch{recipe.warm_up, recipe.warm_up};
  for (Learner* learner : {&k, &j}) {
    learner->kept =
        keep_outputs(recipe, *learner->network, {learner->kept.logits, learner->kept.projection});
  }
  divisions =
      bptplr::divide(parts, std::vector<const KeptOutputs*>{&k.kept, &j.kept}, samples, epoch)
          .divisions;
  for (Learner* learner : {&k, &j}) {
    move_prototypes(parts, recipe, learner->kept, epoch.of_stage, learner->network->prototypes());
  }
}

BenchmarkIterations::BenchmarkIterations(BenchmarkSetup& setup, bool cuda_graph)
    : recipe_(with_graph(setup.recipe, cuda_graph)),
      epoch_{recipe_, setup.samples, *setup.views, recipe_.warm_up, recipe_.warm_up,
             0,       &setup.group},
      sampler_(epoch_, division_of(setup)),
      step_(recipe_, recipe_.warm_up, *setup.k.network, *setup.j.network, setup.k.optimizer),
      graphed_([this, &setup](
                   const Batch& batch) { return step_(batch, *setup.views, setup.j.kept.logits); },
               graph_options(epoch_, *setup.k.network,
                             [this](const std::string&) { has_warned_ = true; })) {}

double BenchmarkIterations::run(std::int64_t count) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<PendingCopy> losses;
  for (std::int64_t i = 0; i < count; ++i) {
    losses.emplace_back(graphed_(sampler_.next()).values);
  }
  if (!losses.empty()) losses.back().get();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace bptplr
