#include "bpt_plr/train/shuffled_passes.hpp"

#include <algorithm>

namespace bptplr {

ShuffledPasses::ShuffledPasses(std::int64_t size, std::int64_t batch_size, Incomplete incomplete,
                               std::uint64_t seed, Purpose purpose, std::uint32_t epoch,
                               std::uint32_t network)
    : size_(size),
      batch_size_(std::max<std::int64_t>(std::min(batch_size, size), 1)),
      per_pass_((size + (incomplete == Incomplete::kKeep ? batch_size_ - 1 : 0)) / batch_size_),
      seed_(seed),
      purpose_(purpose),
      epoch_(epoch),
      network_(network) {}

std::span<const std::int64_t> ShuffledPasses::next() {
  if (size_ == 0) return {};
  if (order_.empty() || taken_ == per_pass_) {
    order_ = Philox(seed_, purpose_, epoch_, network_, pass_++).permutation(size_);
    taken_ = 0;
  }
  const auto batch = upcoming();
  ++taken_;
  return batch;
}

std::span<const std::int64_t> ShuffledPasses::upcoming() const {
  if (order_.empty() || taken_ == per_pass_) return {};
  const std::int64_t first = taken_ * batch_size_;
  return std::span(order_).subspan(static_cast<std::size_t>(first),
                                   static_cast<std::size_t>(std::min(batch_size_, size_ - first)));
}

}  // namespace bptplr
