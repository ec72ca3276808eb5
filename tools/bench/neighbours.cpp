// Times the exact nearest neighbours of random features: seconds, and the share of products at
// which the machine's cores compute.
#include "bpt_plr/results/issues/neighbours.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <vector>

#include "engine/random.hpp"
#include "engine/tensor.hpp"

int main(int argc, char** argv) {
  std::int64_t count = 50'000;
  std::int64_t dim = 512;
  std::int64_t k = bptplr::kNeighbours;
  CLI::App app("Times the nearest neighbours of random features.");
  app.add_option("--count", count, "samples")->capture_default_str();
  app.add_option("--dim", dim, "features of a sample")->capture_default_str();
  app.add_option("--neighbours", k, "neighbours of a sample")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  bptplr::Tensor x = bptplr::Tensor::empty({count, dim});
  bptplr::Philox random(1, bptplr::Purpose::kTest);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = random.uniform() - 0.3F;
  const auto start = std::chrono::steady_clock::now();
  const bptplr::Neighbours found = bptplr::find_neighbours(x, k);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  // Each pair of samples is multiplied once.
  const double flops =
      static_cast<double>(count) * static_cast<double>(count) * static_cast<double>(dim);
  fmt::print("{} x {}: {:.2f} s, {:.0f} GFLOP/s, first neighbour of sample 0: {}\n", count, dim,
             took.count(), flops / took.count() / 1e9, found.index[0]);
  return 0;
}
