#include "kernels/sample_losses.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/softmax_row.hpp"
#include "kernels/parallel.hpp"

namespace bptplr::kernels {
namespace {

/// Smallest and largest value that is not NaN; "adding" two ranges gives their union.
struct Range {
  float low = std::numeric_limits<float>::infinity();
  float high = -std::numeric_limits<float>::infinity();

  void include(float x) {
    low = x < low ? x : low;
    high = x > high ? x : high;
  }
  Range& operator+=(const Range& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
    return *this;
  }
};

/// Keeps the logarithms of the divergence finite.
constexpr double kEpsilon = 1e-10;

/// The Jensen-Shannon divergence in nats between p [classes] and a one-hot label. Most samples are
/// learnt, and all that sets them apart is the little that p gives to other classes, r: so no term
/// is a difference of numbers near 1. Of another class m = p/2 and
///   (p + eps) / (m + eps) = 1 + (p/2) / (p/2 + eps);
/// of the label's m = 1 - r/2 and, with h = (r/2) / (m + eps),
///   (p + eps) / (m + eps) = 1 - h,  (1 + eps) / (m + eps) = 1 + h.
double jensen_shannon(const double* p, std::int64_t classes, std::int64_t label) {
  double rest = 0;
  double divergence = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    if (c == label) continue;
    const double half = p[c] / 2;
    rest += p[c];
    divergence += p[c] * std::log1p(half / (half + kEpsilon));
  }
  const double h = rest / (2 - rest + 2 * kEpsilon);
  return (divergence + p[label] * std::log1p(-h) + std::log1p(h)) / 2;
}

}  // namespace

template <>
void sample_cross_entropy(const CpuContext& /*ctx*/, std::int64_t rows, std::int64_t classes,
                          const float* logits, const std::int64_t* labels, float* losses) {
  parallel_for(rows, softmax_grain(classes), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float* z = logits + i * classes;
      losses[i] = static_cast<float>(log_sum_exp(z, classes) - static_cast<double>(z[labels[i]]));
    }
  });
}

template <>
void min_max_normalize(const CpuContext& /*ctx*/, std::int64_t n, const float* x, float* out) {
  const auto range = parallel_sum<Range>(n, kElementGrain, [&](auto begin, auto end) {
    Range part;
    for (std::int64_t i = begin; i < end; ++i) part.include(x[i]);
    return part;
  });
  const float width = range.high - range.low;
  parallel_for(n, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float above = x[i] - range.low;
      out[i] = width == 0.0F ? above : above / width;
    }
  });
}

template <>
void interleave(const CpuContext&, std::int64_t n, const float* a, const float* b, float* out) {
  parallel_for(n, kElementGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      out[2 * i] = a[i];
      out[2 * i + 1] = b[i];
    }
  });
}

template <>
void sample_jensen_shannon(const CpuContext& ctx, std::int64_t rows, std::int64_t classes,
                           const float* logits_1, const float* logits_2, const std::int64_t* labels,
                           double inverse_log_base, float* distances) {
  auto* scratch = ctx.scratch<double>(rows * classes);
  parallel_for(rows, softmax_grain(classes), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      double* p = scratch + i * classes;
      std::fill(p, p + classes, 0.0);
      add_softmax(logits_1 + i * classes, classes, 0.5, p);
      add_softmax(logits_2 + i * classes, classes, 0.5, p);
      distances[i] = static_cast<float>(inverse_log_base * jensen_shannon(p, classes, labels[i]));
    }
  });
}

template <>
void pseudo_labels(const CpuContext& ctx, std::int64_t rows, std::int64_t classes, double threshold,
                   const float* prototype_logits, const float* logits, std::int64_t* labels) {
  auto* scratch = ctx.scratch<double>(rows * classes);
  parallel_for(rows, softmax_grain(classes), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float* z = logits + i * classes;
      double* p = scratch + i * classes;
      std::fill(p, p + classes, 0.0);
      add_softmax(prototype_logits + i * classes, classes, 0.5, p);
      add_softmax(z, classes, 0.5, p);
      const double* best = std::max_element(p, p + classes);
      const bool is_sure = static_cast<float>(*best) > static_cast<float>(threshold);
      labels[i] = is_sure ? best - p : std::max_element(z, z + classes) - z;
    }
  });
}

}  // namespace bptplr::kernels
