#include "bpt_plr/results/audit/labelled_samples.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "bpt_plr/results/audit/fast_math.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// Writes softmax(z * per_logit) of sample i to p, which has room for padded(classes).
void softmax(const LabelledSamples& samples, std::int64_t i, double per_logit, float* p) {
  const std::span<const float> z = samples.row(i);
  const double top = samples.top[static_cast<std::size_t>(i)];
  std::array<double, kLanes> sums{};
  const auto exponentials = [&](const float* of, float* to) {
    std::array<float, kLanes> values;
#pragma omp simd
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double value = fast_exp((static_cast<double>(of[lane]) - top) * per_logit);
      sums[lane] += value;
      values[lane] = static_cast<float>(value);
    }
    std::ranges::copy(values, to);
  };
  std::size_t c = 0;
  for (; c + kLanes <= z.size(); c += kLanes) exponentials(z.data() + c, p + c);
  if (c < z.size()) {
    std::array<float, kLanes> last;
    last.fill(-std::numeric_limits<float>::infinity());
    std::ranges::copy(z.subspan(c), last.begin());
    exponentials(last.data(), p + c);
  }
  const auto scale = static_cast<float>(1.0 / sum_of(sums));
  for (c = 0; c < padded(z.size()); ++c) p[c] *= scale;
}

}  // namespace

LabelledSamples::LabelledSamples(std::int64_t n, std::int64_t number_of_classes, const float* z,
                                 std::span<const std::int64_t> given)
    : count(n),
      classes(number_of_classes),
      logits(z),
      labels(given),
      by_label(static_cast<std::size_t>(n)),
      first_of(static_cast<std::size_t>(number_of_classes) + 1),
      place(static_cast<std::size_t>(n)),
      top(static_cast<std::size_t>(n)) {
  for (const std::int64_t y : labels) ++first_of[static_cast<std::size_t>(y) + 1];
  std::partial_sum(first_of.begin(), first_of.end(), first_of.begin());
  std::vector<std::int64_t> next = first_of;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t to = next[static_cast<std::size_t>(label(i))]++;
    place[static_cast<std::size_t>(i)] = to;
    by_label[static_cast<std::size_t>(to)] = i;
  }
  kernels::parallel_for(count, kAuditGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      top[static_cast<std::size_t>(i)] = *std::ranges::max_element(row(i));
    }
  });
}

std::vector<float> tempered(const LabelledSamples& samples, double temperature) {
  const auto classes = static_cast<std::size_t>(samples.classes);
  std::vector<float> all(static_cast<std::size_t>(samples.count) * classes);
  kernels::parallel_for(samples.count, kAuditGrain, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> p(padded(classes));
    for (std::int64_t i = begin; i < end; ++i) {
      softmax(samples, i, 1.0 / temperature, p.data());
      std::copy_n(p.begin(), classes, all.begin() + i * samples.classes);
    }
  });
  return all;
}

void temper_by_label(const LabelledSamples& samples, double temperature, std::vector<float>& p) {
  const std::size_t stride = padded(static_cast<std::size_t>(samples.classes));
  p.resize(static_cast<std::size_t>(samples.count) * stride);
  kernels::parallel_for(samples.count, kAuditGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto row = static_cast<std::size_t>(samples.place[static_cast<std::size_t>(i)]);
      softmax(samples, i, 1.0 / temperature, p.data() + row * stride);
    }
  });
}

}  // namespace bptplr
