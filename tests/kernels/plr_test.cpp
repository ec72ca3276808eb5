#include "kernels/plr.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/fast_exp.hpp"
#include "tests/kernels/class_sets.hpp"

namespace bptplr {
namespace {

using kernels::ContrastiveLoss;

struct Contrast {
  Tensor loss;
  Tensor grad;
  Tensor negatives;
};

/// `sets` empty: every other sample is a negative.
template <class T>
Contrast contrast(ContrastiveLoss kind, const Tensor& features, const ClassSetBits& sets,
                  double tau) {
  const std::int64_t samples = features.size(0) / 2;
  const std::int64_t words = samples == 0 ? 0 : static_cast<std::int64_t>(sets.size()) / samples;
  Contrast out{Tensor::empty({1}, features.dtype()),
               Tensor::empty(features.shape(), features.dtype()),
               Tensor::empty({features.size(0)}, DType::kInt64)};
  kernels::contrastive_loss(cpu_context(), kind, {samples, features.size(1), words}, tau,
                            features.data<T>(), sets.empty() ? nullptr : sets.data(),
                            out.loss.data<T>(), out.grad.data<T>(),
                            out.negatives.data<std::int64_t>());
  return out;
}

bool contains(const ClassSetBits& sets, std::int64_t words, std::int64_t row, std::int64_t c) {
  return (sets[static_cast<std::size_t>(row * words + c / 64)] >> (c % 64) & 1) != 0;
}

/// The definition, pair by pair. For kFlatPlr it returns the mean of v, which has the loss's
/// gradient.
double plain_loss(ContrastiveLoss kind, const Tensor& features, const ClassSetBits& sets,
                  double tau) {
  const std::int64_t anchors = features.size(0);
  const std::int64_t dim = features.size(1);
  const std::int64_t n = anchors / 2;
  const std::int64_t words = static_cast<std::int64_t>(sets.size()) / n;
  const double* f = features.data<double>();
  double total = 0;
  std::int64_t counted = 0;
  for (std::int64_t i = 0; i < anchors; ++i) {
    const auto similarity = [&](std::int64_t j) {
      double dot = 0;
      for (std::int64_t d = 0; d < dim; ++d) dot += f[i * dim + d] * f[j * dim + d];
      return dot / tau;
    };
    const double positive = similarity((i + n) % anchors);
    double sum = kind == ContrastiveLoss::kPlr ? 1.0 : 0.0;
    for (std::int64_t j = 0; j < anchors; ++j) {
      bool negative = j % n != i % n;
      for (std::int64_t w = 0; w < words; ++w) {
        negative = negative && (sets[static_cast<std::size_t>(i % n * words + w)] &
                                sets[static_cast<std::size_t>(j % n * words + w)]) == 0;
      }
      if (negative) sum += std::exp(similarity(j) - positive);
    }
    if (sum == 0.0) continue;
    ++counted;
    total += std::log(sum);
  }
  return counted == 0 ? 0.0 : total / static_cast<double>(counted);
}

TEST(ClassSets, EqualPyTorch) {
  const Golden golden("losses");
  for (const std::string& name : golden.cases("class_sets")) {
    const std::string key = "class_sets/" + name + "/";
    const Tensor& z = golden[key + "z"];
    const auto labels = golden[key + "labels"].span<std::int64_t>();
    const auto sets = cpu_class_sets(z, {labels.begin(), labels.end()},
                                     golden[key + "kappa"].data<std::int64_t>()[0]);
    const std::int64_t words = kernels::class_set_words(z.size(1));
    for (std::int64_t i = 0; i < z.numel(); ++i) {
      EXPECT_EQ(contains(sets, words, i / z.size(1), i % z.size(1)),
                golden[key + "member"].data<std::int64_t>()[i] == 1)
          << name << " element " << i;
    }
  }
}

TEST(ClassSets, TiesGoToTheLowerClass) {
  const Tensor z = Tensor::from<float>({1, 3, 3, 3, 0}, {1, 5});
  EXPECT_EQ(cpu_class_sets(z, {4}, 2), ClassSetBits{0b10110});
  EXPECT_EQ(cpu_class_sets(z, {1}, 2), ClassSetBits{0b00110});
}

TEST(ClassSets, KappaFromNothingToEverything) {
  const Tensor z = random_normal({3, 65}, 1);
  const std::vector<std::int64_t> labels{0, 64, 7};
  EXPECT_EQ(cpu_class_sets(z, labels, 0), (ClassSetBits{1, 0, 0, 1, 128, 0}));
  for (const std::uint64_t word : cpu_class_sets(z, labels, 100))
    EXPECT_TRUE(word == ~0ULL || word == 1);
}

TEST(ClassSets, ReachTheLastOfManyClasses) {
  Tensor z = Tensor::zeros({1, kernels::kMaxSetClasses});
  z.data<float>()[kernels::kMaxSetClasses - 1] = 1;
  const auto sets = cpu_class_sets(z, {500}, 1);
  std::int64_t members = 0;
  for (std::int64_t c = 0; c < kernels::kMaxSetClasses; ++c) {
    members += contains(sets, 16, 0, c) ? 1 : 0;
  }
  EXPECT_EQ(members, 2);
  EXPECT_TRUE(contains(sets, 16, 0, kernels::kMaxSetClasses - 1));
  EXPECT_TRUE(contains(sets, 16, 0, 500));
}

ClassSetBits golden_sets(const Golden& golden, const std::string& key) {
  const Tensor& top = golden[key + "top"];
  const std::int64_t words = kernels::class_set_words(100);
  ClassSetBits sets(static_cast<std::size_t>(top.size(0) * words));
  const auto insert = [&](std::int64_t row, std::int64_t c) {
    sets[static_cast<std::size_t>(row * words + c / 64)] |= std::uint64_t{1} << (c % 64);
  };
  for (std::int64_t i = 0; i < top.numel(); ++i) {
    insert(i / top.size(1), top.data<std::int64_t>()[i]);
  }
  for (std::int64_t i = 0; i < top.size(0); ++i) {
    insert(i, golden[key + "labels"].data<std::int64_t>()[i]);
  }
  return sets;
}

void compare_with_golden(const std::string& loss, ContrastiveLoss kind, bool with_sets) {
  const Golden golden("losses");
  ASSERT_FALSE(golden.cases(loss).empty());
  for (const std::string& name : golden.cases(loss)) {
    const std::string key = fmt::format("{}/{}/", loss, name);
    SCOPED_TRACE(key);
    const auto sets = with_sets ? golden_sets(golden, key) : ClassSetBits{};
    const double tau = golden[key + (with_sets ? "tau" : "temperature")].item();
    const Contrast out = contrast<float>(kind, golden[key + "features"], sets, tau);
    EXPECT_LT(relative_error(out.loss, golden[key + "value"]), 1e-5);
    EXPECT_LT(relative_error(out.grad, golden[key + "dfeatures"]), 1e-5);
    EXPECT_TRUE(!with_sets || same_bits(out.negatives, golden[key + "negatives"]));
  }
}

TEST(ContrastiveLoss, PlrEqualsPyTorch) {
  compare_with_golden("plr", ContrastiveLoss::kPlr, true);
}
TEST(ContrastiveLoss, FlatPlrEqualsPyTorch) {
  compare_with_golden("flat_plr", ContrastiveLoss::kFlatPlr, true);
}
TEST(ContrastiveLoss, InfoNceEqualsPyTorch) {
  compare_with_golden("info_nce", ContrastiveLoss::kPlr, false);
}
TEST(ContrastiveLoss, FlatNceEqualsPyTorch) {
  compare_with_golden("flat_nce", ContrastiveLoss::kFlatPlr, false);
}

struct Case {
  std::int64_t samples, dim, classes, kappa;
  double tau;
};

/// Both kinds, with and without class sets, over awkward sizes.
template <class Fn>
void for_each_case(Fn&& check) {
  std::uint32_t stream = 10;
  for (const Case& c : {Case{1, 1, 1, 1, 1.0}, Case{1, 9, 2, 1, 0.5}, Case{2, 3, 2, 1, 1.0},
                        Case{3, 31, 10, 1, 0.1}, Case{5, 7, 10, 3, 1.0}, Case{16, 16, 10, 2, 0.05},
                        Case{17, 33, 65, 3, 0.5}, Case{21, 5, 1000, 3, 1.0}}) {
    ++stream;
    const auto sets = cpu_class_sets(random_normal({c.samples, c.classes}, stream),
                                     random_labels(c.samples, c.classes, stream), c.kappa);
    for (const auto kind : {ContrastiveLoss::kPlr, ContrastiveLoss::kFlatPlr}) {
      for (const bool with_sets : {true, false}) {
        SCOPED_TRACE(fmt::format("{} samples, {} dimensions, {} classes, kind {}, sets {}",
                                 c.samples, c.dim, c.classes, static_cast<int>(kind), with_sets));
        check(c, kind, with_sets ? sets : ClassSetBits{},
              random_unit_rows(2 * c.samples, c.dim, ++stream, DType::kFloat64));
      }
    }
  }
}

TEST(ContrastiveLoss, GradientIsTheDifferenceQuotientOfTheDefinition) {
  for_each_case(
      [](const Case& c, ContrastiveLoss kind, const ClassSetBits& sets, const Tensor& features) {
        const Contrast out = contrast<double>(kind, features, sets, c.tau);
        const double plain = plain_loss(kind, features, sets, c.tau);
        if (kind == ContrastiveLoss::kPlr) {
          EXPECT_NEAR(out.loss.item(), plain, 1e-12);
        } else {
          EXPECT_EQ(out.loss.item(), plain == 0.0 ? 0.0 : 1.0);
        }
        const Tensor numerical = numerical_gradient(
            features, [&] { return plain_loss(kind, features, sets, c.tau); }, 1e-6);
        EXPECT_LT(relative_error(out.grad, numerical), 1e-7);
      });
}

TEST(ContrastiveLoss, FloatAgreesWithDouble) {
  for_each_case(
      [](const Case& c, ContrastiveLoss kind, const ClassSetBits& sets, const Tensor& features) {
        const Tensor rounded = features.to(DType::kFloat32);
        const Contrast single = contrast<float>(kind, rounded, sets, c.tau);
        const Contrast exact = contrast<double>(kind, rounded.to(DType::kFloat64), sets, c.tau);
        EXPECT_LT(relative_error(single.loss, exact.loss), 1e-5);
        EXPECT_LT(relative_error(single.grad, exact.grad), 1e-5);
        EXPECT_TRUE(same_bits(single.negatives, exact.negatives));
      });
}

TEST(ContrastiveLoss, SurvivesATinyTemperature) {
  const Tensor features = random_unit_rows(40, 16, 5);
  for (const auto kind : {ContrastiveLoss::kPlr, ContrastiveLoss::kFlatPlr}) {
    const Contrast out = contrast<float>(kind, features, {}, 1e-3);
    EXPECT_TRUE(std::isfinite(out.loss.item()));
    for (const float g : out.grad.span<float>()) ASSERT_TRUE(std::isfinite(g));
  }
}

TEST(ContrastiveLoss, OfNoSamplesIsZero) {
  EXPECT_EQ(contrast<float>(ContrastiveLoss::kPlr, Tensor::empty({0, 8}), {}, 1.0).loss.item(),
            0.0);
}

/// One NaN, or nothing else, must show in the loss: whoever trains looks there.
TEST(ContrastiveLoss, OfNaNIsNaN) {
  for (const auto kind : {ContrastiveLoss::kPlr, ContrastiveLoss::kFlatPlr}) {
    for (const std::int64_t count : {1, 12 * 5}) {
      Tensor features = random_unit_rows(12, 5, 3);
      std::fill_n(features.data<float>(), count, std::numeric_limits<float>::quiet_NaN());
      const Contrast out = contrast<float>(kind, features, {}, 0.5);
      EXPECT_TRUE(std::isnan(out.loss.item())) << count << " of them";
      EXPECT_EQ(out.negatives.data<std::int64_t>()[0], 10);
    }
  }
}

TEST(ContrastiveLoss, IsTheSameForAnyNumberOfThreads) {
  const auto sets = cpu_class_sets(random_normal({75, 10}, 6), random_labels(75, 10, 6), 2);
  const Tensor features = random_unit_rows(150, 50, 7);
  expect_same_for_any_threads([&] {
    const Contrast out = contrast<float>(ContrastiveLoss::kPlr, features, sets, 0.3);
    return std::vector<Tensor>{out.loss, out.grad, out.negatives};
  });
}

TEST(FastExp, IsAccurate) {
  double worst = 0;
  for (int i = -87000; i <= 88000; ++i) {
    const float x = static_cast<float>(i) / 1000.0F;
    const double exact = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::abs(static_cast<double>(kernels::fast_exp(x)) / exact - 1.0));
  }
  EXPECT_LT(worst, 2e-7);
  EXPECT_EQ(kernels::fast_exp(0.0F), 1.0F);
  EXPECT_EQ(kernels::fast_exp(-std::numeric_limits<float>::infinity()), 0.0F);
  EXPECT_TRUE(std::isnan(kernels::fast_exp(std::numeric_limits<float>::quiet_NaN())));
}

}  // namespace
}  // namespace bptplr
