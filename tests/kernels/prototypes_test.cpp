#include "kernels/prototypes.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/support.hpp"

namespace bptplr {
namespace {

struct Prototypes {
  Tensor rows;
  Tensor counts;
};

Prototypes class_means(const Tensor& q, std::span<const std::int64_t> labels,
                       std::int64_t classes) {
  Prototypes out{Tensor::empty({classes, q.size(1)}), Tensor::empty({classes}, DType::kInt64)};
  kernels::class_means(cpu_context(), {q.size(0), q.size(1), classes}, q.data<float>(),
                       labels.data(), out.rows.data<float>(), out.counts.data<std::int64_t>());
  return out;
}

Prototypes updated(const Tensor& prototypes, const Tensor& q, std::span<const std::int64_t> labels,
                   double momentum) {
  Prototypes out{prototypes.clone(), Tensor::empty({prototypes.size(0)}, DType::kInt64)};
  kernels::update_prototypes(cpu_context(), {q.size(0), q.size(1), prototypes.size(0)}, momentum,
                             q.data<float>(), labels.data(), out.rows.data<float>(),
                             out.counts.data<std::int64_t>());
  return out;
}

TEST(ClassMeans, EqualPyTorch) {
  const Golden golden("prototypes");
  for (const std::string& name : golden.cases("init")) {
    const std::string key = "init/" + name + "/";
    const Tensor& expected = golden[key + "prototypes"];
    const Prototypes out = class_means(
        golden[key + "q"], golden[key + "labels"].span<std::int64_t>(), expected.size(0));
    EXPECT_LT(relative_error(out.rows, expected), 1e-6) << name;
  }
}

TEST(ClassMeans, CountTellsWhichClassIsMissing) {
  const Golden golden("prototypes");
  const std::string key = "init_missing/class3_of_5/";
  const std::int64_t missing = golden[key + "missing"].data<std::int64_t>()[0];
  const Prototypes out =
      class_means(golden[key + "q"], golden[key + "labels"].span<std::int64_t>(), 5);
  for (std::int64_t c = 0; c < 5; ++c) {
    EXPECT_EQ(out.counts.data<std::int64_t>()[c] == 0, c == missing);
  }
  for (std::int64_t d = 0; d < out.rows.size(1); ++d) {
    EXPECT_EQ(out.rows.data<float>()[missing * out.rows.size(1) + d], 0.0F);
  }
}

TEST(UpdatePrototypes, EqualsPyTorch) {
  const Golden golden("prototypes");
  for (const std::string& name : golden.cases("update")) {
    const std::string key = "update/" + name + "/";
    const Prototypes out =
        updated(golden[key + "prototypes"], golden[key + "q"],
                golden[key + "pseudo"].span<std::int64_t>(), golden[key + "momentum"].item());
    EXPECT_LT(relative_error(out.rows, golden[key + "prototypes_after"]), 1e-6) << name;
  }
}

TEST(UpdatePrototypes, LeavesClassesWithoutSamplesAlone) {
  const Tensor before = random_unit_rows(4, 6, 1);
  const Tensor q = random_unit_rows(3, 6, 2);
  const Prototypes out = updated(before, q, std::vector<std::int64_t>{2, -1, 2}, 0.99);
  EXPECT_TRUE(same_bits(out.counts, Tensor::from<std::int64_t>({0, 0, 2, 0}, {4})));
  for (const std::int64_t c : {0, 1, 3}) {
    EXPECT_TRUE(same_bits(out.rows.rows(c, c + 1), before.rows(c, c + 1)));
  }
  EXPECT_FALSE(same_bits(out.rows.rows(2, 3), before.rows(2, 3)));
}

TEST(UpdatePrototypes, SurvivesAMeanOfZero) {
  const Tensor before = random_unit_rows(1, 2, 3);
  const Tensor q = Tensor::from<float>({1, 0, -1, 0}, {2, 2});
  const Prototypes out = updated(before, q, std::vector<std::int64_t>{0, 0}, 0.99);
  EXPECT_LT(relative_error(out.rows, before), 1e-6);
}

TEST(ClassMeans, EqualTheDefinitionForAwkwardSizes) {
  std::uint32_t stream = 10;
  for (const auto& [rows, dim, classes] :
       {std::array<std::int64_t, 3>{1, 1, 1}, {33, 7, 2}, {501, 13, 65}, {999, 3, 1000}}) {
    const Tensor q = random_unit_rows(rows, dim, ++stream);
    auto labels = random_labels(rows, classes, stream);
    if (rows > 1) labels[0] = -1;
    Tensor expected = Tensor::zeros({classes, dim}, DType::kFloat64);
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::int64_t c = labels[static_cast<std::size_t>(i)];
      for (std::int64_t d = 0; c >= 0 && d < dim; ++d) {
        expected.data<double>()[c * dim + d] += static_cast<double>(q.data<float>()[i * dim + d]);
      }
    }
    for (std::int64_t c = 0; c < classes; ++c) {
      double* row = expected.data<double>() + c * dim;
      double norm = 0;
      for (std::int64_t d = 0; d < dim; ++d) norm = std::hypot(norm, row[d]);
      for (std::int64_t d = 0; norm > 0 && d < dim; ++d) row[d] /= norm;
    }
    EXPECT_LT(relative_error(class_means(q, labels, classes).rows, expected), 1e-6);
  }
}

TEST(Prototypes, AreTheSameForAnyNumberOfThreads) {
  const Tensor q = random_unit_rows(3000, 128, 4);
  const auto labels = random_labels(3000, 10, 5);
  const Tensor before = random_unit_rows(10, 128, 6);
  expect_same_for_any_threads([&] {
    const Prototypes first = class_means(q, labels, 10);
    return std::vector<Tensor>{first.rows, first.counts, updated(before, q, labels, 0.99).rows};
  });
}

}  // namespace
}  // namespace bptplr
