#include "kernels/targets.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

struct Targets {
  Tensor t;
  Tensor p;
};

Tensor sharpen(const Tensor& p, double temperature) {
  Tensor t = Tensor::empty(p.shape());
  kernels::sharpen(cpu_context(), p.size(0), p.size(1), temperature, p.data<float>(),
                   t.data<float>());
  return t;
}

Targets co_guess(const Tensor& k1, const Tensor& k2, const Tensor& j1, const Tensor& j2,
                 double temperature) {
  Targets out{Tensor::empty(k1.shape()), Tensor::empty(k1.shape())};
  kernels::co_guess(cpu_context(), k1.size(0), k1.size(1), temperature, k1.data<float>(),
                    k2.data<float>(), j1.data<float>(), j2.data<float>(), out.t.data<float>(),
                    out.p.data<float>());
  return out;
}

Targets co_refine(const Tensor& k1, const Tensor& k2, std::span<const std::int64_t> labels,
                  const Tensor& w, double temperature) {
  Targets out{Tensor::empty(k1.shape()), Tensor::empty(k1.shape())};
  kernels::co_refine(cpu_context(), k1.size(0), k1.size(1), temperature, k1.data<float>(),
                     k2.data<float>(), labels.data(), w.data<float>(), out.t.data<float>(),
                     out.p.data<float>());
  return out;
}

TEST(Targets, EqualPyTorch) {
  const Golden golden("losses");
  for (const std::string& name : golden.cases("sharpen")) {
    const std::string key = "sharpen/" + name + "/";
    const Tensor t = sharpen(golden[key + "p"], golden[key + "temperature"].item());
    EXPECT_LT(relative_error(t, golden[key + "y"]), 1e-6) << name;
  }
  for (const std::string& name : golden.cases("co_guess")) {
    const std::string key = "co_guess/" + name + "/";
    const Targets out =
        co_guess(golden[key + "logits_k1"], golden[key + "logits_k2"], golden[key + "logits_j1"],
                 golden[key + "logits_j2"], golden[key + "temperature"].item());
    EXPECT_LT(relative_error(out.p, golden[key + "p"]), 1e-6) << name;
    EXPECT_LT(relative_error(out.t, golden[key + "t"]), 1e-6) << name;
  }
  for (const std::string& name : golden.cases("co_refine")) {
    const std::string key = "co_refine/" + name + "/";
    const Targets out = co_refine(golden[key + "logits_k1"], golden[key + "logits_k2"],
                                  golden[key + "labels"].span<std::int64_t>(), golden[key + "w"],
                                  golden[key + "temperature"].item());
    EXPECT_LT(relative_error(out.p, golden[key + "p"]), 1e-6) << name;
    EXPECT_LT(relative_error(out.t, golden[key + "t"]), 1e-6) << name;
  }
}

TEST(Targets, SharpenAtTemperatureOneChangesNothing) {
  const Tensor p = random_targets(9, 65, 1);
  EXPECT_LT(relative_error(sharpen(p, 1.0), p), 1e-6);
}

TEST(Targets, SharpenAtTinyTemperaturePicksTheLargest) {
  const Tensor t = sharpen(Tensor::from<float>({0.2F, 0.5F, 0.3F}, {1, 3}), 1e-4);
  EXPECT_EQ(t.data<float>()[0], 0.0F);
  EXPECT_EQ(t.data<float>()[1], 1.0F);
  EXPECT_EQ(t.data<float>()[2], 0.0F);
}

TEST(Targets, SurviveHugeLogits) {
  const Tensor k = Tensor::from<float>({1e4F, -1e4F, 0.0F}, {1, 3});
  const Targets out = co_guess(k, k, k, k, 0.5);
  EXPECT_EQ(out.t.data<float>()[0], 1.0F);
  EXPECT_EQ(out.t.data<float>()[1], 0.0F);
}

TEST(Targets, ACleanProbabilityOfOneKeepsTheLabel) {
  const Tensor k = random_normal({4, 10}, 2);
  const std::vector<std::int64_t> labels{0, 9, 4, 4};
  const Targets out = co_refine(k, k, labels, Tensor::full({4}, 1.0), 0.5);
  for (std::int64_t i = 0; i < 40; ++i) {
    EXPECT_EQ(out.t.data<float>()[i],
              i % 10 == labels[static_cast<std::size_t>(i / 10)] ? 1.0F : 0.0F);
  }
}

TEST(Targets, RowsSumToOneForAnyNumberOfClasses) {
  for (const std::int64_t classes : {1, 2, 10, 65, 1000}) {
    const Tensor k1 = random_normal({7, classes}, 3, 3.0);
    const Tensor k2 = random_normal({7, classes}, 4, 3.0);
    const Targets out =
        co_refine(k1, k2, random_labels(7, classes, 5), Tensor::full({7}, 0.25), 0.5);
    for (std::int64_t i = 0; i < 7; ++i) {
      double sum = 0;
      for (std::int64_t c = 0; c < classes; ++c) {
        sum += static_cast<double>(out.t.data<float>()[i * classes + c]);
      }
      EXPECT_NEAR(sum, 1.0, 1e-5);
    }
  }
}

TEST(Targets, AreTheSameForAnyNumberOfThreads) {
  const Tensor k = random_normal({301, 33}, 6);
  const Tensor j = random_normal({301, 33}, 7);
  expect_same_for_any_threads([&] {
    const Targets out = co_guess(k, j, j, k, 0.5);
    return std::vector<Tensor>{out.t, out.p};
  });
}

}  // namespace
}  // namespace bptplr
