#include "data/noise/instance_noise.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <set>

#include "data/noise/noise.hpp"
#include "data/sets/shapes.hpp"
#include "engine/error.hpp"
#include "engine/random.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

const Dataset& shapes() {
  static const Dataset dataset = make_shapes(1, 3000, 10);
  return dataset;
}

std::vector<std::int64_t> noisy_shapes(double rate, std::uint64_t seed) {
  const Dataset& data = shapes();
  return instance_noise(data.train, data.train.labels, 10, data.mean, data.std, rate, seed);
}

TEST(InstanceNoise, ProbabilitiesAreTheFormula) {
  // x . W = (1*1 + 2*0, 1*0 + 2*1, 1*3 + 2*(-1)) = (1, 2, 1); true class 1, q = 0.3: the softmax
  // over classes 0 and 2 is (1/2, 1/2).
  const std::vector<float> x{1, 2}, weight{1, 0, 3, 0, 1, -1};
  const auto p = instance_label_probabilities(x, weight, 1, 0.3);
  EXPECT_NEAR(p[0], 0.15, 1e-12);
  EXPECT_NEAR(p[1], 0.70, 1e-12);
  EXPECT_NEAR(p[2], 0.15, 1e-12);
  // True class 0: the softmax over (2, 1).
  const auto other = instance_label_probabilities(x, weight, 0, 0.5);
  EXPECT_NEAR(other[1], 0.5 / (1 + std::exp(-1.0)), 1e-12);
  EXPECT_NEAR(std::accumulate(other.begin(), other.end(), 0.0), 1.0, 1e-12);
}

TEST(InstanceNoise, LargeActivationsDoNotOverflow) {
  const std::vector<float> x{1000}, weight{-3, 2, 3};
  const auto p = instance_label_probabilities(x, weight, 0, 0.4);
  EXPECT_DOUBLE_EQ(p[0], 0.6);
  EXPECT_DOUBLE_EQ(p[1], 0.0);
  EXPECT_DOUBLE_EQ(p[2], 0.4);
}

TEST(InstanceNoise, RateIsReached) {
  const auto& truth = shapes().train.labels;
  for (const double rate : {0.2, 0.4}) {
    // The standard error of the share is below 0.01 here.
    EXPECT_NEAR(noise_rate(noisy_shapes(rate, 1), truth), rate, 0.03);
  }
}

TEST(InstanceNoise, WrongClassesDependOnTheImage) {
  const auto& truth = shapes().train.labels;
  const auto noisy = noisy_shapes(1.0, 1);  // q is drawn around 1 and kept below it: mean 0.92
  EXPECT_NEAR(noise_rate(noisy, truth), 0.92, 0.02);
  std::set<std::int64_t> given;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] == 3) given.insert(noisy[i]);
  }
  EXPECT_GE(given.size(), 4U);  // the image decides, not the class alone
}

TEST(InstanceNoise, DependsOnTheSeedAlone) {
  EXPECT_EQ(noisy_shapes(0.4, 7), noisy_shapes(0.4, 7));
  EXPECT_NE(noisy_shapes(0.4, 7), noisy_shapes(0.4, 8));
}

/// The labels of instance_noise, from the formula, one image and one number after the other.
std::vector<std::int64_t> by_the_formula(const Dataset& data, double rate, std::uint64_t seed) {
  const auto features = static_cast<std::size_t>(data.train.images.bytes_per_image());
  std::vector<std::int64_t> noisy;
  for (std::size_t i = 0; i < data.train.labels.size(); ++i) {
    const std::int64_t y = data.train.labels[i];
    Philox draws(seed, Purpose::kNoise, 1, static_cast<std::uint32_t>(y));
    std::vector<float> weight(features * 10);
    for (float& w : weight) w = static_cast<float>(draws.normal());
    std::vector<float> x(features);
    for (std::size_t k = 0; k < features; ++k) {
      const float pixel = data.train.images.image(static_cast<std::int64_t>(i))[k];
      x[k] = (pixel / 255.0F - data.mean[k % 3]) / data.std[k % 3];
    }
    Philox random(seed, Purpose::kNoise, 2, static_cast<std::uint32_t>(i));
    double q = -1;
    while (q < 0 || q > 1) q = rate + 0.1 * random.normal();
    const auto p = instance_label_probabilities(x, weight, y, q);
    double left = random.uniform_double();
    std::size_t c = 0;
    for (; c + 1 < p.size() && left >= p[c]; ++c) left -= p[c];
    noisy.push_back(static_cast<std::int64_t>(c));
  }
  return noisy;
}

TEST(InstanceNoise, AnyNumberOfThreadsDrawsTheNumbersInOrder) {
  const Dataset data = make_shapes(2, 60, 1);
  EXPECT_EQ(instance_noise(data.train, data.train.labels, 10, data.mean, data.std, 0.5, 3),
            by_the_formula(data, 0.5, 3));
}

TEST(InstanceNoise, ClassesWithoutImagesCostNothing) {
  const Dataset data = make_shapes(1, 8, 1);
  const std::vector<std::int64_t> labels(8, 7);
  const auto start = std::chrono::steady_clock::now();
  instance_noise(data.train, labels, 1000, data.mean, data.std, 0.4, 1);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  EXPECT_LT(time.count(), 15.0);  // all 1,000 take minutes
}

TEST(InstanceNoise, SaysWhereItTakesLong) {
  const Dataset data = make_shapes(1, 2000, 1);
  std::vector<std::int64_t> labels(2000);
  std::iota(labels.begin(), labels.end(), 0);
  LoadReport report;
  report.warning = [](const std::string& sentence) { throw Error("{}", sentence); };
  const auto message = [&](std::span<const std::int64_t> given, std::int64_t classes) {
    return message_of(
        [&] { instance_noise(data.train, given, classes, data.mean, data.std, 0.4, 1, report); });
  };
  EXPECT_TRUE(message(labels, 2000).starts_with("instance-dependent noise of 2000 classes takes"));
  EXPECT_EQ(message(data.train.labels, 10), "");
}

TEST(InstanceNoise, RatesOutsideAreErrors) {
  EXPECT_THROW(noisy_shapes(-0.1, 1), Error);
  EXPECT_THROW(noisy_shapes(1.5, 1), Error);
}

TEST(InstanceNoise, LabelsThatDoNotFitTheImagesAreErrors) {
  const Dataset& data = shapes();
  std::vector<std::int64_t> labels = data.train.labels;
  const auto noise = [&](std::int64_t classes) {
    return instance_noise(data.train, labels, classes, data.mean, data.std, 0.4, 1);
  };
  EXPECT_THROW(noise(1), Error);
  EXPECT_THROW(noise(9), Error);  // there is a label 9
  labels.back() = -1;
  EXPECT_THROW(noise(10), Error);
  labels.pop_back();
  EXPECT_THROW(noise(10), Error);
}

}  // namespace
}  // namespace bptplr
