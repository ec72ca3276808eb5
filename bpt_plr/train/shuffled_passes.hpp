// Repeats shuffled passes over a set of samples.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/random.hpp"

namespace bptplr {

/// Treatment of the positions at the end of a pass that do not fill a batch.
enum class Incomplete { kDrop, kKeep };

/// Yields batches of positions 0..size-1 from successive shuffled passes. A set smaller than a
/// batch is a single batch.
class ShuffledPasses {
 public:
  /// Draws the order of pass p from the stream (seed, purpose, epoch, network, p).
  ShuffledPasses(std::int64_t size, std::int64_t batch_size, Incomplete incomplete,
                 std::uint64_t seed, Purpose purpose, std::uint32_t epoch, std::uint32_t network);

  /// Returns the next batch; empty only for an empty set. Valid until the next call.
  std::span<const std::int64_t> next();
  /// Returns the batch of the next call if it belongs to the current pass, else an empty span.
  std::span<const std::int64_t> upcoming() const;
  /// Returns the number of batches taken from the current pass, including the last one.
  std::int64_t taken_from_pass() const { return taken_; }
  /// Returns the number of batches in a pass.
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
