#include "data/noise/instance_noise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

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

/// Draws W_y for one class y.
std::vector<float> draw_weight(std::int64_t features, std::int64_t num_classes,
                               std::int64_t true_class, std::uint64_t seed) {
  Philox random(seed, Purpose::kNoise, 1, static_cast<std::uint32_t>(true_class));
  std::vector<float> weight(static_cast<std::size_t>(features * num_classes));
  for (float& w : weight) w = static_cast<float>(random.normal());
  return weight;
}

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

std::vector<std::int64_t> instance_noise(const Images& images, std::span<const std::int64_t> labels,
                                         std::int64_t num_classes, const std::array<float, 3>& mean,
                                         const std::array<float, 3>& std, double rate,
                                         std::uint64_t seed) {
  require(rate >= 0.0 && rate <= 1.0,
          "a noise rate of {} was asked for; it is the share of labels, from 0 to 1", rate);
  require(num_classes >= 2, "instance-dependent noise needs at least two classes, not {}",
          num_classes);
  require(std::ssize(labels) == images.count,
          "instance-dependent noise got {} labels for {} images; there must be one an image",
          labels.size(), images.count);
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
  const std::int64_t features = images.bytes_per_image();
  std::vector<std::int64_t> noisy(labels.begin(), labels.end());
  // W of a class is large; one class at a time, no other needs to be kept.
  kernels::parallel_for(num_classes, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> x(static_cast<std::size_t>(features));
    for (std::int64_t y = begin; y < end; ++y) {
      const std::vector<float> weight = draw_weight(features, num_classes, y, seed);
      for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] != y) continue;
        const std::uint8_t* pixels = images.image(static_cast<std::int64_t>(i));
        for (std::size_t k = 0; k < x.size(); ++k) {
          x[k] = (static_cast<float>(pixels[k]) / 255.0F - mean[k % 3]) / std[k % 3];
        }
        Philox random(seed, Purpose::kNoise, 2, static_cast<std::uint32_t>(i));
        const double q = draw_flip_rate(rate, random);
        noisy[i] = static_cast<std::int64_t>(
            draw_class(instance_label_probabilities(x, weight, y, q), random));
      }
    }
  });
  return noisy;
}

}  // namespace bptplr
