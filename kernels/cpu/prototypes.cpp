// Rows are sorted by class first (counting sort, stable), so that each class is summed by one
// thread, in the order of the rows and in double precision.
#include "kernels/prototypes.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

/// x / max(||x||, 1e-12), as PyTorch's normalize.
void normalize(double* x, std::int64_t dim) {
  double square = 0;
  for (std::int64_t d = 0; d < dim; ++d) square += x[d] * x[d];
  const double norm = std::max(std::sqrt(square), 1e-12);
  for (std::int64_t d = 0; d < dim; ++d) x[d] /= norm;
}

/// Calls use(c, mean) with the normalised mean of every class that has samples; fills counts.
template <class Fn>
void for_each_class_mean(const CpuContext& ctx, const PrototypeShape& shape, const float* q,
                         const std::int64_t* labels, std::int64_t* counts, Fn&& use) {
  const auto [rows, dim, classes] = shape;
  static_assert(sizeof(double) == sizeof(std::int64_t));
  auto* sums = ctx.scratch<double>(classes * dim + rows + classes);
  auto* order = reinterpret_cast<std::int64_t*>(sums + classes * dim);
  std::int64_t* end_of = order + rows;

  std::fill(counts, counts + classes, std::int64_t{0});
  for (std::int64_t i = 0; i < rows; ++i) {
    if (labels[i] >= 0) ++counts[labels[i]];
  }
  std::int64_t begin_of_next = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    end_of[c] = begin_of_next;
    begin_of_next += counts[c];
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    if (labels[i] >= 0) order[end_of[labels[i]]++] = i;
  }

  parallel_for(classes, 1, [&, dim = dim](std::int64_t c, std::int64_t) {
    if (counts[c] == 0) return;
    double* mean = sums + c * dim;
    std::fill(mean, mean + dim, 0.0);
    for (std::int64_t k = end_of[c] - counts[c]; k < end_of[c]; ++k) {
      const float* row = q + order[k] * dim;
      for (std::int64_t d = 0; d < dim; ++d) mean[d] += static_cast<double>(row[d]);
    }
    for (std::int64_t d = 0; d < dim; ++d) mean[d] /= static_cast<double>(counts[c]);
    normalize(mean, dim);
    use(c, mean);
  });
}

}  // namespace

template <>
void class_means(const CpuContext& ctx, const PrototypeShape& shape, const float* q,
                 const std::int64_t* labels, float* prototypes, std::int64_t* counts) {
  std::fill(prototypes, prototypes + shape.classes * shape.dim, 0.0F);
  for_each_class_mean(ctx, shape, q, labels, counts, [&](std::int64_t c, const double* mean) {
    for (std::int64_t d = 0; d < shape.dim; ++d) {
      prototypes[c * shape.dim + d] = static_cast<float>(mean[d]);
    }
  });
}

template <>
void update_prototypes(const CpuContext& ctx, const PrototypeShape& shape, double momentum,
                       const float* q, const std::int64_t* labels, float* prototypes,
                       std::int64_t* counts) {
  for_each_class_mean(ctx, shape, q, labels, counts, [&](std::int64_t c, double* mean) {
    float* prototype = prototypes + c * shape.dim;
    for (std::int64_t d = 0; d < shape.dim; ++d) {
      mean[d] = momentum * static_cast<double>(prototype[d]) + (1.0 - momentum) * mean[d];
    }
    normalize(mean, shape.dim);
    for (std::int64_t d = 0; d < shape.dim; ++d) prototype[d] = static_cast<float>(mean[d]);
  });
}

}  // namespace bptplr::kernels
