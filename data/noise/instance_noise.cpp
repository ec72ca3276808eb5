#include "data/noise/instance_noise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>

#include "engine/error.hpp"
#include "engine/random.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

constexpr double kRateDeviation = 0.1;

double draw_flip_rate(double rate, Philox& random) {
  double q = -1.0;
  while (q < 0.0 || q > 1.0) q = rate + kRateDeviation * random.normal();
  return q;
}

std::size_t draw_class(std::span<const double> probabilities, Philox& random) {
  double left = random.uniform_double();
  std::size_t last = 0;
  for (std::size_t c = 0; c < probabilities.size(); ++c) {
    if (probabilities[c] <= 0.0) continue;
    last = c;  // rounding may leave a remainder after the last class
    if (left < probabilities[c]) return c;
    left -= probabilities[c];
  }
  return last;
}

/// Draws W_y for one class y. Normal number i comes from block i of the stream.
std::vector<float> draw_weight(std::int64_t features, std::int64_t num_classes,
                               std::int64_t true_class, std::uint64_t seed) {
  std::vector<float> weight(static_cast<std::size_t>(features * num_classes));
  kernels::parallel_for(
      std::ssize(weight), kernels::kElementGrain, [&](std::int64_t begin, std::int64_t end) {
        Philox random(seed, Purpose::kNoise, 1, static_cast<std::uint32_t>(true_class));
        random.skip_blocks(static_cast<std::uint32_t>(begin));
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
          weight[i] = static_cast<float>(random.normal());
        }
      });
  return weight;
}

void check_arguments(const Split& samples, std::span<const std::int64_t> labels,
                     std::int64_t num_classes, std::span<const float> mean,
                     std::span<const float> std, double rate) {
  require(rate >= 0.0 && rate <= 1.0,
          "a noise rate of {} was asked for; it is the share of labels, from 0 to 1", rate);
  require(num_classes >= 2, "instance-dependent noise needs at least two classes, not {}",
          num_classes);
  constexpr std::int64_t kMostNumbers = std::int64_t{1} << 32;  // of one stream
  require(
      num_classes <= kMostNumbers / std::max<std::int64_t>(samples.values_per_sample(), 1),
      "instance-dependent noise of {} classes needs {} numbers for each of them, which are more "
      "than there are; use fewer classes or smaller images",
      num_classes,
      static_cast<double>(num_classes) * static_cast<double>(samples.values_per_sample()));
  require(std::ssize(labels) == samples.size(),
          "instance-dependent noise got {} labels for {} samples; there must be one a sample",
          labels.size(), samples.size());
  for (std::size_t c = 0; c < mean.size(); ++c) {
    require(std::isfinite(mean[c]) && std::isfinite(std[c]) && std[c] > 0.0F,
            "channel {} has mean {} and standard deviation {}; instance-dependent noise needs a "
            "finite mean and a finite deviation greater than 0",
            c, mean[c], std[c]);
  }
  for (const std::int64_t label : labels) {
    require(label >= 0 && label < num_classes,
            "instance-dependent noise met label {}, but there are the classes 0 to {}", label,
            num_classes - 1);
  }
}

/// Returns the images of each class that has any.
std::map<std::int64_t, std::vector<std::int64_t>> images_by_class(
    std::span<const std::int64_t> labels) {
  std::map<std::int64_t, std::vector<std::int64_t>> images;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    images[labels[i]].push_back(static_cast<std::int64_t>(i));
  }
  return images;
}

/// Reports how many images are done, and after the first class how long all take.
class NoiseProgress {
 public:
  NoiseProgress(std::int64_t classes, std::int64_t images, const LoadReport& report)
      : classes_(classes), images_(images), report_(report) {}

  void after_class(std::int64_t images) {
    const bool is_first = done_ == 0;
    done_ += images;
    if (is_first) announce();
    if (report_.progress) report_.progress(done_, images_);
  }

 private:
  static constexpr double kSilentSeconds = 5.0;

  void announce() const {
    const std::chrono::duration<double> first = std::chrono::steady_clock::now() - start_;
    const double all = first.count() * static_cast<double>(classes_);
    if (all < kSilentSeconds || !report_.warning) return;
    report_.warning(fmt::format(
        "instance-dependent noise of {} classes takes about {:.0f} s, as each draws a number for "
        "every value of an image and every class",
        classes_, all));
  }

  std::int64_t classes_;
  std::int64_t images_;
  const LoadReport& report_;
  std::int64_t done_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

std::vector<double> instance_label_probabilities(std::span<const float> x,
                                                 std::span<const float> weight,
                                                 std::int64_t true_class, double q) {
  const std::size_t classes = weight.size() / x.size();
  const auto y = static_cast<std::size_t>(true_class);
  std::vector<double> p(classes);
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t c = 0; c < classes; ++c) {
      p[c] += static_cast<double>(x[i]) * static_cast<double>(weight[i * classes + c]);
    }
  }
  p[y] = -std::numeric_limits<double>::infinity();
  const double largest = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& value : p) sum += value = std::exp(value - largest);
  for (double& value : p) value *= q / sum;
  p[y] = 1.0 - q;
  return p;
}

std::vector<std::int64_t> instance_noise(const Split& samples, std::span<const std::int64_t> labels,
                                         std::int64_t num_classes, std::span<const float> mean,
                                         std::span<const float> std, double rate,
                                         std::uint64_t seed, const LoadReport& report) {
  check_arguments(samples, labels, num_classes, mean, std, rate);
  const std::int64_t features = samples.values_per_sample();
  std::vector<std::int64_t> noisy(labels.begin(), labels.end());
  const auto flip = [&](std::int64_t sample, std::int64_t y, std::span<const float> weight) {
    std::vector<float> x(static_cast<std::size_t>(features));
    samples.read_normalised(sample, mean, std, x);
    Philox random(seed, Purpose::kNoise, 2, static_cast<std::uint32_t>(sample));
    const double q = draw_flip_rate(rate, random);
    return static_cast<std::int64_t>(
        draw_class(instance_label_probabilities(x, weight, y, q), random));
  };
  const auto by_class = images_by_class(labels);
  NoiseProgress progress(std::ssize(by_class), samples.size(), report);
  // W of a class is large; one class at a time, no other needs to be kept.
  for (const auto& entry : by_class) {
    const std::int64_t y = entry.first;
    const std::vector<std::int64_t>& members = entry.second;
    const std::vector<float> weight = draw_weight(features, num_classes, y, seed);
    kernels::parallel_for(std::ssize(members), 1, [&](std::int64_t begin, std::int64_t end) {
      for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k) {
        noisy[static_cast<std::size_t>(members[k])] = flip(members[k], y, weight);
      }
    });
    progress.after_class(std::ssize(members));
  }
  return noisy;
}

}  // namespace bptplr
