// The order in which a set of samples is gone through, again and again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/random.hpp"

namespace bptplr {

/// What a pass does with the positions that fill no batch at its end.
enum class Incomplete { kDrop, kKeep };

/// Yields batches of positions 0..size-1 from one shuffled pass after another. A set smaller than a
/// batch is one batch by itself.
class ShuffledPasses {
 public:
  /// The order of pass p is drawn from the stream (seed, purpose, epoch, network, p).
  ShuffledPasses(std::int64_t size, std::int64_t batch_size, Incomplete incomplete,
                 std::uint64_t seed, Purpose purpose, std::uint32_t epoch, std::uint32_t network);

  /// The next batch; empty only for an empty set. Valid until the next call.
  std::span<const std::int64_t> next();
  /// The batch that the next call yields, where it belongs to the current pass; else empty.
  std::span<const std::int64_t> upcoming() const;
  /// Batches taken from the current pass, the last one included.
  std::int64_t taken_from_pass() const { return taken_; }
  /// Batches that a pass has.
  std::int64_t batches_per_pass() const { return per_pass_; }

 private:
  std::int64_t size_;
  std::int64_t batch_size_;
  std::int64_t per_pass_;
  std::uint64_t seed_;
  Purpose purpose_;
  std::uint32_t epoch_;
  std::uint32_t network_;
  std::uint32_t pass_ = 0;
  std::int64_t taken_ = 0;
  std::vector<std::int64_t> order_;
};

}  // namespace bptplr
