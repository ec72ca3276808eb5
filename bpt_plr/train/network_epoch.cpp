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

std::vector<PlannedView> NetworkEpoch::own_views(std::vector<PlannedView> plan,
                                                 const std::vector<std::int64_t>& parts) const {
  const Shards shards = group->shards(parts, Device{});
  if (shards == nullptr) return plan;
  std::vector<PlannedView> own;
  own.reserve(static_cast<std::size_t>(shards->own_rows()));
  for (const std::int64_t row : shards->own().span<std::int64_t>()) {
    own.push_back(plan[static_cast<std::size_t>(row)]);
  }
  return own;
}

void NetworkEpoch::plan_partners(const std::vector<PlannedView>& plan,
                                 const std::vector<std::int64_t>& parts, Batch& batch) const {
  const Shards shards = group->shards(parts, Device{});
  if (shards == nullptr) return;
  std::vector<PlannedView> partners;
  std::vector<std::int64_t> rows;
  for (const std::int64_t row : shards->own().span<std::int64_t>()) {
    const std::int64_t partner =
        batch.permutation.span<std::int64_t>()[static_cast<std::size_t>(row)];
    rows.push_back(std::ssize(partners));
    partners.push_back(plan[static_cast<std::size_t>(partner)]);
  }
  batch.partners = views.inputs(partners);
  batch.partner_rows = Tensor::from(rows, {std::ssize(rows)});
}

void NetworkEpoch::prefetch(std::span<const std::int64_t> positions) const {
  const RowRange own = slice_of_rank(std::ssize(positions), group->rank(), group->size());
  views.prefetch(select(samples.indices, positions.subspan(static_cast<std::size_t>(own.begin),
                                                           static_cast<std::size_t>(own.size()))));
}

std::uint32_t view_number(std::int64_t iteration, int network, int view) {
  return static_cast<std::uint32_t>(iteration * 16 + network * 8 + view);
}

void require_countable(std::int64_t iterations) {
  require(iterations < kMaxIterations,
          "an epoch of {} iterations is too long; use a larger --batch_size", iterations);
}

}  // namespace bptplr
