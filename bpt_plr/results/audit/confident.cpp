#include "bpt_plr/results/audit/confident.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

/// By how much a probability may be below its threshold: that of float32, summed in another order.
constexpr double kRounding = 1e-6;
/// A label of no certain sample counts as that many right ones.
constexpr double kAlmostNone = 1e-3;

/// Calls fn(label) for each label, in parallel.
template <class Fn>
void for_each_label(const LabelledSamples& samples, Fn&& fn) {
  const std::int64_t grain = grain_of(static_cast<std::size_t>(samples.count));
  kernels::parallel_for(samples.classes, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t label = begin; label < end; ++label) fn(static_cast<std::size_t>(label));
  });
}

/// Returns the mean probability of each class over the samples with that label.
std::vector<double> thresholds(const LabelledSamples& samples, const std::vector<float>& p) {
  const auto classes = static_cast<std::size_t>(samples.classes);
  std::vector<double> mean(classes, 1.0);
  for (std::size_t c = 0; c < classes; ++c) {
    double sum = 0.0;
    for (const std::int64_t i : samples.members(c)) {
      sum += static_cast<double>(p[static_cast<std::size_t>(i) * classes + c]);
    }
    if (sum > 0.0) mean[c] = sum / static_cast<double>(samples.members(c).size());
  }
  return mean;
}

/// Adds to `suspects` those of label y that are the most likely of class c, `number` of them.
void add_suspects(const LabelledSamples& samples, const std::vector<float>& p, std::size_t y,
                  std::size_t c, std::size_t number, std::vector<char>& suspects) {
  const auto classes = static_cast<std::size_t>(samples.classes);
  const std::span<const std::int64_t> members = samples.members(y);
  std::vector<std::int64_t> order(members.begin(), members.end());
  const auto margin = [&](std::int64_t i) {
    const float* of = p.data() + static_cast<std::size_t>(i) * classes;
    return of[c] - of[y];
  };
  number = std::min(number, order.size());
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(number),
                            [&](std::int64_t a, std::int64_t b) {
                              const float of_a = margin(a);
                              const float of_b = margin(b);
                              return of_a != of_b ? of_a > of_b : a < b;
                            });
  for (std::size_t k = 0; k < number; ++k) {
    const auto i = static_cast<std::size_t>(order[k]);
    const float* of = p.data() + i * classes;
    if (*std::max_element(of, of + classes) > of[y]) suspects[i] = 1;
  }
}

}  // namespace

std::vector<double> confident_joint(const LabelledSamples& samples, const std::vector<float>& p) {
  const auto classes = static_cast<std::size_t>(samples.classes);
  const std::vector<double> least = thresholds(samples, p);
  std::vector<double> joint(classes * classes, 0.0);
  for_each_label(samples, [&](std::size_t y) {
    joint[y * classes + y] = kAlmostNone;
    double certain = kAlmostNone;
    for (const std::int64_t i : samples.members(y)) {
      const float* of = p.data() + static_cast<std::size_t>(i) * classes;
      std::size_t best = classes;
      for (std::size_t c = 0; c < classes; ++c) {
        if (static_cast<double>(of[c]) < least[c] - kRounding) continue;
        if (best == classes || of[c] > of[best]) best = c;
      }
      if (best == classes) continue;
      joint[best * classes + y] += 1.0;
      certain += 1.0;
    }
    const double scale = static_cast<double>(samples.members(y).size()) / certain;
    for (std::size_t c = 0; c < classes; ++c) joint[c * classes + y] *= scale;
  });
  return joint;
}

double confident_number(const LabelledSamples& samples, const std::vector<float>& p) {
  const auto classes = static_cast<std::size_t>(samples.classes);
  const std::vector<double> joint = confident_joint(samples, p);
  std::vector<char> suspects(static_cast<std::size_t>(samples.count), 0);
  for_each_label(samples, [&](std::size_t y) {
    for (std::size_t c = 0; c < classes; ++c) {
      const double number = std::round(joint[c * classes + y]);
      if (c == y || number < 1.0) continue;
      add_suspects(samples, p, y, c, static_cast<std::size_t>(number), suspects);
    }
  });
  return static_cast<double>(std::ranges::count(suspects, 1));
}

}  // namespace bptplr
