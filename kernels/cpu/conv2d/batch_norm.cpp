// In single precision the statistics, or the normalisation, of a part of the result are computed
// while the part is in the cache of the core that convolved it.
#include <algorithm>
#include <cmath>

#include "kernels/cpu/batch_norm_rows.hpp"
#include "kernels/cpu/conv2d/batch_norm_in_passes.hpp"
#include "kernels/cpu/conv2d/convolve.hpp"

namespace bptplr::kernels {
namespace {

/// Adds to the part of y that begins at this float.
void add_part(const float* addend, std::int64_t first, std::int64_t count, float* y) {
  if (addend == nullptr) return;
#pragma omp simd
  for (std::int64_t i = first; i < first + count; ++i) y[i] += addend[i];
}

}  // namespace

template <>
void conv2d_statistics(const CpuContext& ctx, const Conv2dShape& s, std::int64_t groups,
                       const float* x, const float* w, const float* addend, float* y, float* mean,
                       float* variance) {
  if (conv::is_empty(s) || ctx.bf16_products)
    return statistics_in_passes(ctx, s, groups, x, w, addend, y, mean, variance);
  const std::int64_t parts = conv::parts(s, groups);
  conv::Scratch scratch;
  float* moments = nullptr;
  std::int64_t* rows = nullptr;
  scratch.add(groups * parts * 2 * s.k, moments);
  scratch.add(groups * parts, rows);
  conv::Epilogue epilogue{.groups = groups};
  epilogue.finish = [&](std::int64_t part, std::int64_t first, std::int64_t pixels) {
    add_part(addend, first * s.k, pixels * s.k, y);
    float* own = moments + part * 2 * s.k;
    row_moments(y + first * s.k, pixels, s.k, own, own + s.k);
    rows[part] = pixels;
  };
  conv::forward(ctx, s, x, w, y, scratch, epilogue);
  merge_moments(
      groups, parts, s.k, moments, [&](std::int64_t part) { return rows[part]; }, mean, variance);
}

template <>
void conv2d_normalized(const CpuContext& ctx, const Conv2dShape& s, const float* x, const float* w,
                       const float* addend, const FixedBatchNorm<float>& norm, float* sum,
                       float* y) {
  if (conv::is_empty(s)) return;
  if (ctx.bf16_products) return normalized_in_passes(ctx, s, x, w, addend, norm, sum, y);
  conv::Scratch scratch;
  float* scale = nullptr;
  scratch.add(s.k, scale);
  float* const z = sum != nullptr ? sum : y;
  conv::Epilogue epilogue;
  epilogue.begin = [&] {
    for (std::int64_t k = 0; k < s.k; ++k) {
      scale[k] = norm.weight[k] / std::sqrt(norm.variance[k] + norm.eps);
    }
  };
  epilogue.finish = [&](std::int64_t, std::int64_t first, std::int64_t pixels) {
    add_part(addend, first * s.k, pixels * s.k, z);
    normalize_rows(z + first * s.k, pixels, s.k, norm.mean, scale, norm.bias,
                   relu_floor<float>(norm.relu), y + first * s.k);
  };
  conv::forward(ctx, s, x, w, z, scratch, epilogue);
}

template <>
void conv2d_statistics(const CpuContext& ctx, const Conv2dShape& shape, std::int64_t groups,
                       const double* x, const double* w, const double* addend, double* y,
                       double* mean, double* variance) {
  statistics_in_passes(ctx, shape, groups, x, w, addend, y, mean, variance);
}

template <>
void conv2d_normalized(const CpuContext& ctx, const Conv2dShape& shape, const double* x,
                       const double* w, const double* addend, const FixedBatchNorm<double>& norm,
                       double* sum, double* y) {
  normalized_in_passes(ctx, shape, x, w, addend, norm, sum, y);
}

}  // namespace bptplr::kernels
