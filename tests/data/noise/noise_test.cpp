#include "data/noise/noise.hpp"

#include <array>
#include <cmath>
#include <limits>

#include "data/noise/instance_noise.hpp"
#include "data/sets/shapes.hpp"
#include "engine/error.hpp"
#include "tests/data/sets/cifar10_files.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

std::vector<std::int64_t> balanced(std::int64_t count, std::int64_t classes = 10) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < count; ++i) labels.push_back(i % classes);
  return labels;
}

TEST(Noise, RateIsOfTheKnownLabels) {
  const std::vector<std::int64_t> labels{0, 1, 2, 3};
  EXPECT_EQ(noise_rate(labels, std::vector<std::int64_t>{0, 2, -1, -1}), 0.5);
  EXPECT_TRUE(std::isnan(noise_rate(labels, std::vector<std::int64_t>{-1, -1, -1, -1})));
}

TEST(Noise, SymmetricRatesCountTheTrueClassAmongTheDrawn) {
  const auto truth = balanced(50'000);
  for (const double rate : {0.2, 0.5, 0.8, 0.9, 1.0}) {
    const auto noisy = symmetric_noise(truth, 10, rate, 1);
    // Of the chosen, 9 in 10 come out wrong.
    EXPECT_NEAR(noise_rate(noisy, truth), rate * 0.9, 4 * std::sqrt(0.09 / (50'000 * rate)));
  }
  EXPECT_EQ(symmetric_noise(truth, 10, 0.0, 1), truth);
}

TEST(Noise, SymmetricNoiseIsUniformOverTheWrongClasses) {
  const auto truth = balanced(50'000);
  const auto noisy = symmetric_noise(truth, 10, 1.0, 4);
  std::vector<int> moves(100, 0);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ++moves[static_cast<std::size_t>(truth[i] * 10 + noisy[i])];
  }
  for (const int count : moves) EXPECT_NEAR(count, 500, 5 * std::sqrt(500 * 0.9));
}

TEST(Noise, SymmetricNoiseNeedsAClass) {
  EXPECT_THROW(symmetric_noise(balanced(10), 0, 0.5, 1), Error);
}

TEST(Noise, DependsOnTheSeedAlone) {
  const auto truth = balanced(1000);
  EXPECT_EQ(symmetric_noise(truth, 10, 0.4, 7), symmetric_noise(truth, 10, 0.4, 7));
  EXPECT_NE(symmetric_noise(truth, 10, 0.4, 7), symmetric_noise(truth, 10, 0.4, 8));
  EXPECT_EQ(asymmetric_noise_cifar10(truth, 0.4, 7), asymmetric_noise_cifar10(truth, 0.4, 7));
  EXPECT_NE(asymmetric_noise_cifar10(truth, 0.4, 7), asymmetric_noise_cifar10(truth, 0.4, 8));
}

TEST(Noise, AsymmetricMovesFiveClassesToTheirLookalikes) {
  const auto truth = balanced(50'000);
  const std::int64_t mistaken_for[] = {0, 1, 0, 5, 7, 3, 6, 7, 8, 1};
  const auto all = asymmetric_noise_cifar10(truth, 1.0, 1);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ASSERT_EQ(all[i], mistaken_for[static_cast<std::size_t>(truth[i])]);
  }
  const auto noisy = asymmetric_noise_cifar10(truth, 0.4, 1);
  EXPECT_NEAR(noise_rate(noisy, truth), 0.2, 0.01);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ASSERT_TRUE(noisy[i] == truth[i] || noisy[i] == all[i]);
  }
}

TEST(Noise, AsymmetricOfCifar100MovesWithinBlocksOfFive) {
  const auto truth = balanced(50'000, 100);
  const auto all = asymmetric_noise_cifar100(truth, 1.0, 1);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ASSERT_EQ(all[i], truth[i] % 5 == 4 ? truth[i] - 4 : truth[i] + 1);
  }
  const auto noisy = asymmetric_noise_cifar100(truth, 0.4, 1);
  EXPECT_NEAR(noise_rate(noisy, truth), 0.4, 4 * std::sqrt(0.24 / 50'000));
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ASSERT_TRUE(noisy[i] == truth[i] || noisy[i] == all[i]);
  }
}

TEST(Noise, TransitionMatrixCountsByTrueClass) {
  const std::vector<std::int64_t> truth{0, 0, 0, 0, 2, 2, -1}, noisy{0, 1, 1, 2, 2, 0, 1};
  const std::vector<double> expected{0.25, 0.5, 0.25, 0, 0, 0, 0.5, 0, 0.5};
  EXPECT_EQ(transition_matrix(noisy, truth, 3), expected);
  EXPECT_DOUBLE_EQ(noise_rate(noisy, truth), 4.0 / 6.0);  // the sample of unknown truth is left out
  EXPECT_TRUE(std::isnan(noise_rate(std::vector<std::int64_t>{1}, std::vector<std::int64_t>{-1})));
}

TEST(Noise, RatesOutsideAndForeignLabelsAreErrors) {
  const auto truth = balanced(100);
  for (const double rate : {-0.1, 1.1, static_cast<double>(NAN)}) {
    EXPECT_THROW(symmetric_noise(truth, 10, rate, 1), Error);
    EXPECT_THROW(asymmetric_noise_cifar10(truth, rate, 1), Error);
    EXPECT_THROW(asymmetric_noise_cifar100(truth, rate, 1), Error);
  }
  EXPECT_THROW(asymmetric_noise_cifar100(balanced(1000, 101), 0.9, 1), Error);
  EXPECT_THROW(asymmetric_noise_cifar10(balanced(1000, 100), 0.9, 1), Error);
}

TEST(Noise, ForeignLabelsAreErrorsThoughNoneIsChanged) {
  const std::vector<std::int64_t> large{5, 77}, negative{5, -3};
  for (const auto& labels : {large, negative}) {
    EXPECT_THROW(symmetric_noise(labels, 10, 0.0, 1), Error);
    EXPECT_THROW(asymmetric_noise_cifar10(labels, 0.0, 1), Error);
  }
  EXPECT_THROW(symmetric_noise(std::vector<std::int64_t>{3}, 3, 0.5, 1), Error);
  EXPECT_THROW(asymmetric_noise_cifar100(negative, 0.0, 1), Error);
  EXPECT_EQ(asymmetric_noise_cifar100(large, 0.0, 1), large);
}

TEST(Noise, InstanceNoiseNeedsStatisticsToNormaliseWith) {
  using Channels = std::vector<float>;
  const Dataset data = make_shapes(1, 20, 1);
  const auto noise = [&](const Channels& mean, const Channels& std) {
    return instance_noise(data.train, data.train.labels, 10, mean, std, 0.4, 1);
  };
  EXPECT_EQ(noise(data.mean, data.std).size(), 20U);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {0.0F, -0.2F, kNan, kInfinity}) {
    EXPECT_THROW(noise(data.mean, {0.2F, 0.2F, bad}), Error) << bad;
  }
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    EXPECT_THROW(noise({bad, 0.5F, 0.5F}, data.std), Error) << bad;
  }
}

std::string error_of(const std::filesystem::path& path, std::int64_t count) {
  return message_of([&] { read_noise_file(path, count, 10); });
}

TEST(NoiseFile, ComesBackAsWritten) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "noise.json";
  const auto labels = symmetric_noise(balanced(500), 10, 0.5, 1);
  write_noise_file(path, labels);
  EXPECT_EQ(read_noise_file(path, 500, 10), labels);
  EXPECT_THROW(write_noise_file(folder.path() / "nowhere" / "noise.json", labels), Error);
}

TEST(NoiseFile, ErrorsNameFilePositionAndExpectation) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "noise.json";
  const auto expect = [&](const std::string& text, const std::string& what) {
    write(path, text);
    const std::string message = error_of(path, 3);
    EXPECT_NE(message.find(path.string()), std::string::npos) << message;
    EXPECT_NE(message.find(what), std::string::npos) << message;
  };
  expect("[1, 2]", "2 labels for 3 training images");
  expect("[1, 2, 3, 4]", "4 labels for 3 training images");
  expect("[1, 2, 10]", "entry 2 is 10, where an integer from 0 to 9 is expected");
  expect("[1, -1, 3]", "entry 1 is -1");
  expect("[1, 2.0, 3]", "entry 1 is 2.0");
  expect("[1, 2, 18446744073709551615]", "entry 2 is 18446744073709551615");
  expect("[\"cat\", 2, 3]", "entry 0 is string");
  expect("[1, 2, true]", "entry 2 is boolean");
  expect("[1, 2, null]", "entry 2 is null");
  expect("{\"a\": 1}", "not a JSON list");
  expect("[1, 2, 3", "not a JSON list");
  expect("", "not a JSON list");
  expect("[1, 2, [[3]]]", "entry 2 is array");
  expect("[1, 2, " + std::string(200'000, '[') + std::string(200'000, ']') + "]",
         "not a JSON list");
  std::filesystem::remove(path);
  EXPECT_NE(error_of(path, 3).find(path.string()), std::string::npos);
  EXPECT_NE(error_of(folder.path(), 3), "");
}

TEST(NoiseFile, ReadsTheFilesInUse) {
  const auto shared = std::filesystem::path(BPTPLR_SHARED_DIR) / "data";
  if (!std::filesystem::exists(shared)) GTEST_SKIP() << shared << " is not here";
  const auto truth = read_noise_file(shared / "cifar10_train_clean_labels.json", 50'000, 10);
  const auto rate = [&](const std::string& name) {
    return noise_rate(read_noise_file(shared / "noise" / name, 50'000, 10), truth);
  };
  EXPECT_NEAR(rate("cifar10_0.20.json"), 0.179, 0.0015);
  EXPECT_NEAR(rate("cifar10_0.40_asym.json"), 0.200, 0.0015);
  EXPECT_NEAR(rate("cifar10_0.90.json"), 0.808, 0.0015);
  EXPECT_NEAR(rate("cifar10n_worse.json"), 0.402, 0.0015);
}

}  // namespace
}  // namespace bptplr
