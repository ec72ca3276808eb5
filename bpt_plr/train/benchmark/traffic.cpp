#include "bpt_plr/train/benchmark/traffic.hpp"

namespace bptplr {
namespace {

/// Numbers of values that a network has.
struct Counts {
  std::int64_t parameters = 0;
  std::int64_t channels = 0;  ///< of all batch normalisations together
};

Counts count(const Network& network) {
  Counts counts;
  for (const NamedTensors::Entry& entry : network.named().entries()) {
    if (entry.kind != NamedTensors::Kind::kBuffer) counts.parameters += entry.tensor.numel();
    if (entry.name.ends_with(".running_mean")) counts.channels += entry.tensor.numel();
  }
  return counts;
}

}  // namespace

TrafficBytes expected_traffic(const Recipe& recipe, const Network& network, int ranks) {
  constexpr double kFloat = 4.0;
  constexpr double kDouble = 8.0;
  const Counts counts = count(network);
  const auto parameters = static_cast<double>(counts.parameters);
  const auto channels = static_cast<double>(counts.channels);
  const auto batch = static_cast<double>(recipe.batch_size);
  const auto classes = static_cast<double>(network.heads().num_classes);
  const auto low_dim = static_cast<double>(network.heads().low_dim);

  // Rows of all ranks: 4 B weak views by network k, 2 B by network j, 4 B of the mixture, and the
  // projections of 4 B strong views.
  const double rows = batch * ((4.0 + 2.0 + 4.0) * classes + 4.0 * low_dim);
  double own = kFloat * rows / ranks;
  double sums = kFloat * parameters;
  if (recipe.sync_batch_norm) {
    // Mean and variance of each channel, of the mixture and the strong views as one group; two sums
    // backwards.
    own += kFloat * 2.0 * channels;
    sums += kDouble * 2.0 * channels;
  }
  // And of the four groups of weak views; always where a rank would have one image of each.
  if (recipe.sync_batch_norm || recipe.batch_size / ranks < 2) own += kFloat * 2.0 * 4.0 * channels;
  return {(ranks - 1) * own, 2.0 * (ranks - 1) / ranks * sums};
}

}  // namespace bptplr
