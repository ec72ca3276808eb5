#include "bpt_plr/results/audit/unmixing.hpp"

#include <algorithm>

#include "bpt_plr/results/audit/confident.hpp"
#include "bpt_plr/results/audit/fast_math.hpp"
#include "bpt_plr/results/audit/inverse.hpp"
#include "engine/memory.hpp"
#include "kernels/linear.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Least probability of a class after unmixing, which stands for what was cut off.
constexpr float kLeast = 1e-4F;
/// Estimates of T, each from the predictions that the one before unmixed.
constexpr int kEstimates = 2;
constexpr double kMostProducts = 1e12;
/// Products after which somebody may want to hear of it.
constexpr std::int64_t kProductsAtATime = std::int64_t{1} << 31;

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

/// Calls product(first, rows) for blocks of rows, and `alive` between them.
template <class Product>
void by_rows(const LabelledSamples& samples, const std::function<void()>& alive,
             Product&& product) {
  const std::int64_t block =
      std::max<std::int64_t>(1, kProductsAtATime / (samples.classes * samples.classes));
  for (std::int64_t first = 0; first < samples.count; first += block) {
    if (alive) alive();
    product(first, std::min(block, samples.count - first));
  }
}

/// Writes rows times `matrix` [C, C] to `result`.
void multiply(const std::vector<float>& rows, const std::vector<double>& matrix,
              const LabelledSamples& samples, const std::function<void()>& alive,
              std::vector<float>& result) {
  const std::vector<float> factor(matrix.begin(), matrix.end());
  const std::int64_t c = samples.classes;
  by_rows(samples, alive, [&](std::int64_t first, std::int64_t count) {
    kernels::linear_backward_data(cpu_context(), {count, c, c}, rows.data() + first * c,
                                  factor.data(), result.data() + first * c);
  });
}

/// Cuts numbers off below kLeast and makes rows sum to 1; passes each through `last`.
template <class Last>
void cut_off(std::vector<float>& all, const LabelledSamples& samples, Last&& last) {
  const auto classes = static_cast<std::size_t>(samples.classes);
  kernels::parallel_for(samples.count, kAuditGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      float* row = all.data() + i * samples.classes;
      const double sum = lane_sum(classes, [&](std::size_t c) {
        row[c] = row[c] < kLeast ? kLeast : row[c];
        return static_cast<double>(row[c]);
      });
      const double scale = 1.0 / sum;
      for (std::size_t c = 0; c < classes; ++c) {
        row[c] = static_cast<float>(last(static_cast<double>(row[c]) * scale));
      }
    }
  });
}

}  // namespace

std::vector<float> label_probabilities(const LabelledSamples& samples, const NoiseFit& fit,
                                       const std::function<void()>& alive) {
  const std::vector<float> p = tempered(samples, fit.temperature);
  std::vector<float> q(p.size());
  const std::int64_t c = samples.classes;
  by_rows(samples, alive, [&](std::int64_t first, std::int64_t count) {
    kernels::linear_forward<kernels::CpuContext, float>(cpu_context(), {count, c, c},
                                                        p.data() + first * c, fit.transition.data(),
                                                        nullptr, q.data() + first * c);
  });
  return q;
}

std::optional<std::vector<float>> unmixed_logits(const LabelledSamples& samples,
                                                 const std::vector<float>& q,
                                                 const std::function<void()>& alive) {
  const auto classes = static_cast<std::size_t>(samples.classes);
  const double products = static_cast<double>(q.size()) * static_cast<double>(classes);
  if (products > kMostProducts) return {};
  std::vector<float> p(q.size());
  for (int k = 0; k < kEstimates; ++k) {
    std::vector<double> undo = confident_transitions(samples, k == 0 ? q : p);
    if (!invert(undo, classes, alive)) return {};
    multiply(q, undo, samples, alive, p);
    if (k + 1 < kEstimates) {
      cut_off(p, samples, [](double value) { return value; });
    } else {
      cut_off(p, samples, [](double value) { return fast_log(value); });
    }
  }
  return p;
}

}  // namespace bptplr
