#include "data/noise/instance_noise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "data/noise/noise.hpp"
#include "data/sets/shapes.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

const Dataset& shapes() {
  static const Dataset dataset = make_shapes(1, 3000, 10);
  return dataset;
}

std::vector<std::int64_t> noisy_shapes(double rate, std::uint64_t seed) {
  const Dataset& data = shapes();
  return instance_noise(data.train.images, data.train.labels, 10, data.mean, data.std, rate, seed);
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

TEST(InstanceNoise, RatesOutsideAreErrors) {
  EXPECT_THROW(noisy_shapes(-0.1, 1), Error);
  EXPECT_THROW(noisy_shapes(1.5, 1), Error);
}

TEST(InstanceNoise, LabelsThatDoNotFitTheImagesAreErrors) {
  const Dataset& data = shapes();
  std::vector<std::int64_t> labels = data.train.labels;
  const auto noise = [&](std::int64_t classes) {
    return instance_noise(data.train.images, labels, classes, data.mean, data.std, 0.4, 1);
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
