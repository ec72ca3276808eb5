#include "bpt_plr/train/benchmark/rank_benchmark.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "bpt_plr/train/agreement.hpp"
#include "bpt_plr/train/benchmark/benchmark_setup.hpp"
#include "engine/error.hpp"
#include "engine/precision.hpp"
#include "kernels/determinism.hpp"

namespace bptplr {
namespace {

/// Seconds of an iteration on one rank.
struct OwnSeconds {
  double whole = 0.0;  ///< without the waiting that the others are measured with
  double computing = 0.0;
  double communicating = 0.0;
  double waiting = 0.0;
};

std::vector<OwnSeconds> gather(Communicator& group, const OwnSeconds& own) {
  std::vector<OwnSeconds> all;
  const std::string bytes(reinterpret_cast<const char*>(&own), sizeof(own));
  for (const std::string& of : group.gather(bytes)) {
    std::memcpy(&all.emplace_back(), of.data(), sizeof(own));
  }
  return all;
}

RankSeconds over_ranks(const std::vector<OwnSeconds>& all, double OwnSeconds::*part) {
  const auto [least, most] = std::ranges::minmax(all, {}, part);
  double sum = 0.0;
  for (const OwnSeconds& of : all) sum += of.*part;
  return {least.*part, sum / static_cast<double>(all.size()), most.*part};
}

/// Measures the iterations of this rank, while all ranks do.
OwnSeconds measure(BenchmarkIterations& iterations, const BenchmarkOptions& options,
                   Communicator& group) {
  const auto count = static_cast<double>(options.iterations);
  iterations.run(options.warmup);
  group.barrier();
  OwnSeconds own;
  own.whole = iterations.run(options.iterations) / count;
  group.barrier();
  group.reset_traffic(true);
  const double seconds = iterations.run(options.iterations) / count;
  own.communicating = group.traffic().communicating / count;
  own.waiting = group.traffic().waiting / count;
  own.computing = seconds - own.communicating - own.waiting;
  return own;
}

}  // namespace

RankBenchmarkResult run_rank_benchmark(const BenchmarkOptions& options, Communicator& group) {
  const Recipe& recipe = options.recipe;
  require(recipe.batch_size >= group.size(),
          "a batch of {} has no work for {} ranks; start fewer, or choose a larger --batch_size",
          recipe.batch_size, group.size());
  // As in training, where each rank divides the samples for itself: their GPUs must round alike.
  kernels::set_deterministic(recipe.deterministic || !group.is_alone());
  const CpuPrecisionScope precision(recipe.precision);
  group.use(choose_device(recipe.device));
  BenchmarkSetup setup(options, group);
  setup.divide();
  require_agreement(group, hash_divisions(setup.divisions), "the labelled and unlabelled sets",
                    "start all on processors of one kind");
  BenchmarkIterations iterations(setup, false);
  const OwnSeconds own = measure(iterations, options, group);
  const Traffic traffic = group.traffic();
  group.reset_traffic(false);

  const std::vector<OwnSeconds> all = gather(group, own);
  const auto count = static_cast<double>(options.iterations);
  RankBenchmarkResult result;
  result.options = options;
  result.ranks = group.size();
  result.seconds = over_ranks(all, &OwnSeconds::whole).most;
  result.computing = over_ranks(all, &OwnSeconds::computing);
  result.communicating = over_ranks(all, &OwnSeconds::communicating);
  result.waiting = over_ranks(all, &OwnSeconds::waiting);
  result.calls = static_cast<double>(traffic.calls) / count;
  result.measured = {traffic.gathered / count, traffic.summed / count};
  result.by_shapes = expected_traffic(recipe, *setup.k.network, group.size());
  return result;
}

}  // namespace bptplr
