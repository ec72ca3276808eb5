#include "kernels/vector_views.hpp"

#include <omp.h>

#include <cmath>
#include <limits>

#include "kernels/float16.hpp"
#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

using kernels::float16;
using kernels::to_float16;
using kernels::VectorProgram;
using kernels::VectorShape;
using kernels::VectorType;

/// IEEE 754's definition of half precision.
double value_of_half(unsigned bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>(bits >> 10 & 0x1fU);
  const double fraction = static_cast<double>(bits & 0x3ffU) / 1024.0;
  if (exponent == 0) return sign * std::ldexp(fraction, -14);
  if (exponent == 31) return sign * std::numeric_limits<double>::infinity();
  return sign * std::ldexp(1.0 + fraction, exponent - 15);
}

TEST(Float16, EveryOneIsTheNumberThatTheStandardSays) {
  for (unsigned bits = 0; bits < 0x10000U; ++bits) {
    const auto value = static_cast<float>(float16{static_cast<std::uint16_t>(bits)});
    if ((bits & 0x7c00U) == 0x7c00U && (bits & 0x3ffU) != 0) {
      ASSERT_TRUE(std::isnan(value)) << bits;
    } else {
      ASSERT_EQ(static_cast<double>(value), value_of_half(bits)) << bits;
      ASSERT_EQ(std::signbit(value), (bits & 0x8000U) != 0) << bits;
    }
  }
}

TEST(Float16, NumbersBecomeTheNearestOne) {
  for (unsigned bits = 0; bits < 0x7c00U; ++bits) {
    const double low = value_of_half(bits);
    const double high = bits == 0x7bffU ? 65536.0 : value_of_half(bits + 1);
    const double middle = (low + high) / 2;
    const unsigned even = bits + (bits & 1U);
    const auto half_of = [](double x) { return unsigned{to_float16(static_cast<float>(x)).bits}; };
    ASSERT_EQ(half_of(low), bits);
    ASSERT_EQ(half_of(-low), bits | 0x8000U);
    ASSERT_EQ(half_of(middle), even) << bits;
    ASSERT_EQ(half_of(std::nextafter(static_cast<float>(middle), 0.0F)), bits);
    ASSERT_EQ(half_of(std::nextafter(static_cast<float>(middle), 1e9F)), bits + 1);
  }
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(to_float16(infinity).bits, 0x7c00U);
  EXPECT_EQ(to_float16(-1e9F).bits, 0xfc00U);
  EXPECT_TRUE(std::isnan(static_cast<float>(to_float16(std::nanf("")))));
}

/// Vectors with their statistics, of values that a half holds exactly.
struct Vectors16 {
  std::vector<float> values;
  std::vector<std::uint16_t> halves;
  std::vector<float> mean;
  std::vector<float> scale;
};

Vectors16 made(std::int64_t count, std::int64_t dim) {
  Vectors16 made;
  Philox random(3, Purpose::kTest);
  for (std::int64_t i = 0; i < count * dim; ++i) {
    const auto half = static_cast<std::uint16_t>(0x3000U + random.below(0x1000U));
    made.halves.push_back(half);
    made.values.push_back(static_cast<float>(float16{half}));
  }
  for (std::int64_t d = 0; d < dim; ++d) {
    made.mean.push_back(random.uniform());
    made.scale.push_back(0.5F + random.uniform());
  }
  return made;
}

template <class T>
std::vector<T> views(const VectorShape& shape, const Vectors16& from,
                     const std::vector<std::int64_t>& rows,
                     const std::vector<VectorProgram>& programs) {
  std::vector<T> out(static_cast<std::size_t>(shape.count * shape.dim));
  const void* data = shape.type == VectorType::kFloat16
                         ? static_cast<const void*>(from.halves.data())
                         : static_cast<const void*>(from.values.data());
  kernels::vector_views(cpu_context(), shape, static_cast<const std::uint8_t*>(data), rows.data(),
                        programs.data(), from.mean.data(), from.scale.data(), out.data());
  return out;
}

VectorProgram program(std::uint32_t draw, float noise, float drop) {
  return {Philox(5, Purpose::kAugment, 1, 2, draw).stream(), noise, drop};
}

TEST(VectorViews, WithoutChangesAreStandardised) {
  for (const std::int64_t dim : {1, 3, 4, 33}) {
    const Vectors16 from = made(7, dim);
    const std::vector<std::int64_t> rows{6, 0, 0};
    const std::vector<VectorProgram> programs(3);
    const auto halves = views<float>({3, dim, VectorType::kFloat16}, from, rows, programs);
    EXPECT_EQ(halves, views<float>({3, dim, VectorType::kFloat32}, from, rows, programs));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::int64_t d = 0; d < dim; ++d) {
        const auto at = static_cast<std::size_t>(d);
        const float x = from.values[static_cast<std::size_t>(rows[i] * dim + d)];
        ASSERT_EQ(halves[i * static_cast<std::size_t>(dim) + at],
                  (x - from.mean[at]) * from.scale[at]);
      }
    }
  }
  EXPECT_TRUE(views<float>({0, 4, VectorType::kFloat16}, made(1, 4), {}, {}).empty());
}

TEST(VectorViews, MaySeeSignedSquareRoots) {
  Vectors16 from = made(1, 3);
  from.values = {4.0F, 0.0F, -9.0F};
  from.mean = {1.0F, 0.0F, 0.0F};
  from.scale = {2.0F, 1.0F, 1.0F};
  EXPECT_EQ(views<float>({1, 3, VectorType::kFloat32, true}, from, {0}, {{}}),
            (std::vector<float>{2.0F, 0.0F, -3.0F}));
}

TEST(VectorViews, DropTheValuesThatTheirWordsSay) {
  constexpr std::int64_t kDim = 1003;
  const Vectors16 from = made(1, kDim);
  const auto plain = views<float>({1, kDim, VectorType::kFloat16}, from, {0}, {{}});
  const auto dropped =
      views<float>({1, kDim, VectorType::kFloat16}, from, {0}, {program(9, 0.0F, 0.4F)});
  Philox random(5, Purpose::kAugment, 1, 2, 9);
  int zeros = 0;
  for (std::size_t d = 0; d < plain.size(); ++d) {
    const bool is_dropped = random.uniform() < 0.4F;
    zeros += is_dropped ? 1 : 0;
    ASSERT_FLOAT_EQ(dropped[d], is_dropped ? 0.0F : plain[d] / 0.6F) << d;
  }
  EXPECT_NEAR(zeros, 0.4 * kDim, 60.0);
}

TEST(VectorViews, NoiseIsNormalAndOfItsOwnView) {
  constexpr std::int64_t kDim = 20'001;
  const Vectors16 from = made(1, kDim);
  const VectorShape shape{2, kDim, VectorType::kFloat32};
  const auto plain = views<float>(shape, from, {0, 0}, {{}, {}});
  const auto noisy =
      views<float>(shape, from, {0, 0}, {program(1, 0.5F, 0.0F), program(2, 0.5F, 0.0F)});
  double moments[5] = {};
  double product = 0.0;
  for (std::size_t d = 0; d < static_cast<std::size_t>(kDim); ++d) {
    const double x = (noisy[d] - plain[d]) / 0.5;
    for (int m = 1; m < 5; ++m) moments[m] += std::pow(x, m) / kDim;
    product += x * (noisy[d + kDim] - plain[d + kDim]) / 0.5 / kDim;
  }
  EXPECT_NEAR(moments[1], 0.0, 0.03);
  EXPECT_NEAR(moments[2], 1.0, 0.04);
  EXPECT_NEAR(moments[3], 0.0, 0.1);
  EXPECT_NEAR(moments[4], 3.0, 0.3);
  EXPECT_NEAR(product, 0.0, 0.03);
}

TEST(VectorViews, AsDoublesAreTheFloatsAndDoNotDependOnThreads) {
  const Vectors16 from = made(70, 513);
  const VectorShape shape{70, 513, VectorType::kFloat16};
  std::vector<std::int64_t> rows;
  std::vector<VectorProgram> programs;
  for (std::int64_t i = 0; i < shape.count; ++i) {
    rows.push_back(shape.count - 1 - i);
    programs.push_back(program(static_cast<std::uint32_t>(i), 0.3F, 0.2F));
  }
  const auto floats = views<float>(shape, from, rows, programs);
  const auto doubles = views<double>(shape, from, rows, programs);
  EXPECT_TRUE(std::equal(floats.begin(), floats.end(), doubles.begin()));
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  EXPECT_EQ(views<float>(shape, from, rows, programs), floats);
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace bptplr
