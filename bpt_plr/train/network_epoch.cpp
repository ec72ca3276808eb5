#include "bpt_plr/train/network_epoch.hpp"

#include "data/subset.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// A view number has 16 bits for the iteration, 1 for the network and 3 for the view.
constexpr std::int64_t kMaxIterations = 1 << 16;

}  // namespace

Philox NetworkEpoch::mixup_stream(std::int64_t iteration) const {
  return {seed(), Purpose::kMixUp, stream_epoch(), static_cast<std::uint32_t>(iteration),
          stream_network()};
}

DropoutKey NetworkEpoch::dropout_key(std::int64_t iteration) const {
  return {seed(), stream_epoch(), static_cast<std::uint32_t>(iteration), stream_network()};
}

std::vector<PlannedView> NetworkEpoch::plan_views(std::span<const std::int64_t> positions,
                                                  View view, std::int64_t iteration, int first_view,
                                                  int count) const {
  const auto indices = select(samples.indices, positions);
  std::vector<PlannedView> stack;
  for (int v = first_view; v < first_view + count; ++v) {
    const auto plan =
        views.plan(indices, view, {seed(), stream_epoch(), view_number(iteration, network, v)});
    stack.insert(stack.end(), plan.begin(), plan.end());
  }
  return stack;
}

void NetworkEpoch::prefetch(std::span<const std::int64_t> positions) const {
  views.prefetch(select(samples.indices, positions));
}

std::uint32_t view_number(std::int64_t iteration, int network, int view) {
  return static_cast<std::uint32_t>(iteration * 16 + network * 8 + view);
}

void require_countable(std::int64_t iterations) {
  require(iterations < kMaxIterations,
          "an epoch of {} iterations is too long; use a larger --batch_size", iterations);
}

}  // namespace bptplr
