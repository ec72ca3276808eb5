// Exact nearest neighbours by blocked products: of every row, the rows with the largest inner
// product. On the CPU only: they are asked for once a run, when features are there already.
#pragma once

#include <cstdint>
#include <functional>

#include "kernels/context.hpp"

namespace bptplr::kernels {

struct NearestRowsShape {
  std::int64_t count = 0;
  std::int64_t dim = 0;
  std::int64_t neighbours = 0;  ///< k, below count
};

/// Writes for each row of x [count, dim] its k nearest other rows, nearest first and of equal ones
/// the lower index first, to index [count, k], and their inner products to product [count, k]. Of
/// rows of unit length, the nearest are those of the smallest cosine distance. Each product is
/// computed once, so that those of (i, j) and (j, i) are the same bits. `progress`, unless empty,
/// is told the share that is done; it may throw to stop. Uses the workspace.
void nearest_rows(const CpuContext& ctx, const NearestRowsShape& shape, const float* x,
                  std::int64_t* index, float* product,
                  const std::function<void(double share)>& progress);

}  // namespace bptplr::kernels
