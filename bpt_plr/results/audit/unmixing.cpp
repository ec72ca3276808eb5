#include "bpt_plr/results/audit/unmixing.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bpt_plr/results/audit/confident.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Least probability of a class after unmixing, which stands for what was cut off.
constexpr double kLeast = 1e-4;
/// Estimates of T, each from the predictions that the one before unmixed.
constexpr int kEstimates = 2;
constexpr double kLeastPivot = 0.02;
constexpr double kMostProducts = 1e11;

/// Returns transitions [C, C], true class first, by the confident joint of labels and predictions.
std::vector<double> confident_transitions(const LabelledSamples& samples,
                                          const std::vector<float>& p) {
  const auto classes = static_cast<std::size_t>(samples.classes);
  std::vector<double> joint = confident_joint(samples, p);
  for (std::size_t c = 0; c < classes; ++c) {
    double sum = 0.0;
    for (std::size_t y = 0; y < classes; ++y) sum += joint[c * classes + y];
    for (std::size_t y = 0; y < classes; ++y) {
      double& value = joint[c * classes + y];
      value = sum > 0.0 ? value / sum : (c == y ? 1.0 : 0.0);
    }
  }
  return joint;
}

/// Inverts a matrix by Gauss and Jordan's elimination; empty if a pivot is too small.
std::optional<std::vector<double>> inverse(std::vector<double> a, std::size_t n) {
  std::vector<double> result(n * n, 0.0);
  for (std::size_t k = 0; k < n; ++k) result[k * n + k] = 1.0;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
    }
    if (std::abs(a[pivot * n + k]) < kLeastPivot) return {};
    for (std::size_t j = 0; j < n; ++j) {
      std::swap(a[k * n + j], a[pivot * n + j]);
      std::swap(result[k * n + j], result[pivot * n + j]);
    }
    const double scale = 1.0 / a[k * n + k];
    for (std::size_t j = 0; j < n; ++j) {
      a[k * n + j] *= scale;
      result[k * n + j] *= scale;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double factor = a[i * n + k];
      if (i == k || factor == 0.0) continue;
      for (std::size_t j = 0; j < n; ++j) {
        a[i * n + j] -= factor * a[k * n + j];
        result[i * n + j] -= factor * result[k * n + j];
      }
    }
  }
  return result;
}

/// Returns rows times `matrix` [C, C].
std::vector<float> times(const std::vector<float>& rows, const std::vector<double>& matrix,
                         const LabelledSamples& samples) {
  const auto classes = static_cast<std::size_t>(samples.classes);
  std::vector<float> product(rows.size());
  kernels::parallel_for(samples.count, kAuditGrain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sum(classes);
    for (std::int64_t i = begin; i < end; ++i) {
      const float* row = rows.data() + static_cast<std::size_t>(i) * classes;
      std::ranges::fill(sum, 0.0);
      for (std::size_t c = 0; c < classes; ++c) {
        const auto weight = static_cast<double>(row[c]);
        const double* of = matrix.data() + c * classes;
        for (std::size_t y = 0; y < classes; ++y) sum[y] += weight * of[y];
      }
      float* out = product.data() + static_cast<std::size_t>(i) * classes;
      for (std::size_t y = 0; y < classes; ++y) out[y] = static_cast<float>(sum[y]);
    }
  });
  return product;
}

/// Cuts numbers off below kLeast and makes rows sum to 1.
void cut_off(std::vector<float>& rows, std::size_t classes) {
  for (std::size_t begin = 0; begin < rows.size(); begin += classes) {
    const std::span<float> row(rows.data() + begin, classes);
    double sum = 0.0;
    for (float& value : row) {
      value = std::max(value, static_cast<float>(kLeast));
      sum += static_cast<double>(value);
    }
    for (float& value : row) value = static_cast<float>(static_cast<double>(value) / sum);
  }
}

}  // namespace

std::vector<float> label_probabilities(const LabelledSamples& samples, const NoiseFit& fit) {
  return times(tempered(samples, fit.temperature), fit.transition, samples);
}

std::optional<std::vector<float>> unmixed_logits(const LabelledSamples& samples,
                                                 const std::vector<float>& q) {
  const auto classes = static_cast<std::size_t>(samples.classes);
  const double products = static_cast<double>(q.size()) * static_cast<double>(classes);
  if (products > kMostProducts) return {};
  std::vector<float> p = q;
  for (int k = 0; k < kEstimates; ++k) {
    const auto undo = inverse(confident_transitions(samples, p), classes);
    if (!undo) return {};
    p = times(q, *undo, samples);
    cut_off(p, classes);
  }
  for (float& value : p) value = std::log(value);
  return p;
}

}  // namespace bptplr
