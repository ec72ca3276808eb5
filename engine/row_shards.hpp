// How ranks share out the rows of a batch. A batch is a sequence of parts (views x1, x2, u1, ...),
// and every rank has a consecutive slice of each part, so that all views of a sample are on one.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/communicator.hpp"

namespace bptplr {

/// Consecutive rows [begin, end).
struct RowRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

/// Returns the rank's slice of n rows; those of all ranks differ by at most one row.
RowRange slice_of_rank(std::int64_t n, int rank, int size);

class RowShards {
 public:
  /// Receives the number of rows of each part. `group` must outlive this.
  RowShards(Communicator& group, const std::vector<std::int64_t>& parts, Device device);

  Communicator& group() const { return group_; }
  /// Returns the number of rows of all ranks.
  std::int64_t rows() const { return rows_; }
  /// Returns the number of rows of this rank.
  std::int64_t own_rows() const { return own_.numel(); }
  /// Returns the largest number of rows of a rank.
  std::int64_t most_rows() const { return most_rows_; }
  /// Returns the smallest number of rows of a rank.
  std::int64_t least_rows() const { return least_rows_; }
  /// Returns the slices of this rank, counted from the beginning of the batch, in order.
  const std::vector<RowRange>& own_slices() const { return own_slices_; }

  /// Return, as int64 on the device: the rows of each rank; this rank's rows, counted from the
  /// beginning of the batch; and the place of each row of the batch in the rows of all ranks, each
  /// rank's padded to most_rows().
  const Tensor& counts() const { return counts_; }
  const Tensor& own() const { return own_; }
  const Tensor& places() const { return places_; }

 private:
  Communicator& group_;
  std::int64_t rows_ = 0;
  std::int64_t most_rows_ = 0;
  std::int64_t least_rows_ = 0;
  std::vector<RowRange> own_slices_;
  Tensor counts_, own_, places_;
};

/// Returns the rows of all ranks in the order of the batch, given this rank's rows x [own_rows,
/// ...]; x itself without shards. Differentiable, for losses that every rank computes alike from
/// the result: its gradient is that of this rank's rows, and no rank waits for another.
Tensor all_gather(const Tensor& x, const Shards& shards);

}  // namespace bptplr
