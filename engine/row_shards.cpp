#include "engine/row_shards.hpp"

#include <algorithm>

#include "engine/error.hpp"
#include "engine/ops.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {
namespace {

Tensor index_tensor(const std::vector<std::int64_t>& values, Device device) {
  return Tensor::from(values, {std::ssize(values)}).to(device);
}

/// Returns `shape` with another number of rows.
Shape with_rows(Shape shape, std::int64_t rows) {
  shape[0] = rows;
  return shape;
}

}  // namespace

RowRange slice_of_rank(std::int64_t n, int rank, int size) {
  return {n * rank / size, n * (rank + 1) / size};
}

RowShards::RowShards(Communicator& group, const std::vector<std::int64_t>& parts, Device device)
    : group_(group) {
  const int size = group.size();
  std::vector<std::int64_t> counts(static_cast<std::size_t>(size));
  for (int rank = 0; rank < size; ++rank) {
    for (const std::int64_t part : parts) {
      counts[static_cast<std::size_t>(rank)] += slice_of_rank(part, rank, size).size();
    }
  }
  most_rows_ = *std::ranges::max_element(counts);
  least_rows_ = *std::ranges::min_element(counts);
  std::vector<std::int64_t> own;
  std::vector<std::int64_t> places;
  std::vector<std::int64_t> before(counts.size());  // rows of each rank in earlier parts
  for (const std::int64_t part : parts) {
    for (int rank = 0; rank < size; ++rank) {
      const RowRange slice = slice_of_rank(part, rank, size);
      std::int64_t& next = before[static_cast<std::size_t>(rank)];
      for (std::int64_t row = slice.begin; row < slice.end; ++row) {
        if (rank == group.rank()) own.push_back(rows_ + row);
        places.push_back(rank * most_rows_ + next++);
      }
      if (rank == group.rank()) own_slices_.push_back({rows_ + slice.begin, rows_ + slice.end});
    }
    rows_ += part;
  }
  counts_ = index_tensor(counts, device);
  own_ = index_tensor(own, device);
  places_ = index_tensor(places, device);
}

Tensor all_gather(const Tensor& x, const Shards& shards) {
  if (shards == nullptr) return x;
  require(x.size(0) == shards->own_rows(), "all_gather: a tensor of shape {} is not {} rows",
          to_string(x.shape()), shards->own_rows());
  Communicator& group = shards->group();
  const std::int64_t most = shards->most_rows();
  Tensor own = Tensor::zeros(with_rows(x.shape(), most), x.dtype(), x.device());
  if (x.numel() > 0) own.rows(0, x.size(0)).copy_from(x);
  Tensor all = Tensor::empty(with_rows(x.shape(), most * group.size()), x.dtype(), x.device());
  {
    const Range range("all_gather");
    group.all_gather(x.device(), own.raw(), all.raw(),
                     static_cast<std::size_t>(own.numel()) * element_size(x.dtype()));
  }
  return record(gather_rows(all, shards->places()), {x}, [shards](const Tensor& dy) {
    return std::vector<Tensor>{gather_rows(dy, shards->own())};
  });
}

}  // namespace bptplr
