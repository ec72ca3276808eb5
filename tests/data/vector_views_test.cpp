#include "data/vector_views.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "data/subset.hpp"
#include "data/vector_statistics.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

Vectors counted(std::int64_t count, std::int64_t dim) {
  std::vector<float> values(static_cast<std::size_t>(count * dim));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return Vectors::in_memory(dim, std::move(values));
}

std::vector<float> view_of(const ViewMaker& maker, const std::vector<std::int64_t>& indices,
                           View view, const ViewStream& stream = {1, 2, 3}) {
  const Tensor out = maker.empty(std::ssize(indices));
  maker.make(indices, view, stream, out);
  return {out.span<float>().begin(), out.span<float>().end()};
}

TEST(VectorViews, ViewsDependOnSampleAndStreamAlone) {
  const Vectors vectors = counted(6, 9);
  const std::vector<float> zeros(9, 0.0F);
  const std::vector<float> ones(9, 1.0F);
  const VectorViews maker(vectors, zeros, ones, {{0.5F, 0.5F}, {0.1F, 0.2F}});
  const auto together = view_of(maker, {5, 1}, View::kStrong);
  const auto alone = view_of(maker, {1}, View::kStrong);
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + 9));
  EXPECT_NE(alone, view_of(maker, {1}, View::kStrong, {1, 2, 4}));
  EXPECT_NE(alone, view_of(maker, {1}, View::kWeak));
  const auto test = view_of(maker, {1}, View::kTest);
  EXPECT_EQ(test, (std::vector<float>{9, 10, 11, 12, 13, 14, 15, 16, 17}));
}

TEST(VectorViews, OfAPartShowItsRows) {
  const std::vector<float> mean{1.0F, 2.0F};
  const std::vector<float> std{2.0F, 4.0F};
  Split split;
  split.vectors = counted(5, 2);
  split.labels = {0, 1, 2, 3, 4};
  const Split part =
      select(select(split, std::vector<std::int64_t>{4, 2, 0}), std::vector<std::int64_t>{1, 0});
  EXPECT_EQ(part.labels, (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(part.vectors.bytes.data(), split.vectors.bytes.data()) << "rows were copied";
  const VectorViews maker(part.vectors, mean, std);
  EXPECT_EQ(view_of(maker, {0, 1}, View::kTest), (std::vector<float>{1.5F, 0.75F, 3.5F, 1.75F}));
  const Split both = joined(part, select(split, std::vector<std::int64_t>{1}));
  const VectorViews all(both.vectors, mean, std);
  EXPECT_EQ(view_of(all, {2}, View::kTest), (std::vector<float>{0.5F, 0.25F}));
  EXPECT_NE(message_of([&] {
              maker.plan(std::vector<std::int64_t>{2}, View::kTest, {});
            }).find("sample 2, but there are 2 samples"),
            std::string::npos);
}

TEST(VectorStatistics, AreThoseOfASecondPass) {
  const Vectors vectors = counted(1000, 3);
  const VectorStatistics found = vector_statistics(vectors, "X.npy");
  ASSERT_EQ(found.mean.size(), 3U);
  for (std::size_t d = 0; d < 3; ++d) {
    EXPECT_FLOAT_EQ(found.mean[d], 1498.5F + static_cast<float>(d));
    EXPECT_FLOAT_EQ(found.std[d], 3.0F * std::sqrt((1000.0F * 1000.0F - 1.0F) / 12.0F));
  }
  EXPECT_EQ(found.hashes.size(), 1000U);
  EXPECT_NE(found.hashes[0], found.hashes[1]);
}

TEST(VectorStatistics, LargeValuesKeepTheirDeviationAndConstantsHaveNone) {
  std::vector<float> values;
  for (int i = 0; i < 300; ++i) {
    values.push_back(1e6F + static_cast<float>(i % 2));
    values.push_back(7.0F);
  }
  const VectorStatistics found = vector_statistics(Vectors::in_memory(2, values), "X.npy");
  EXPECT_FLOAT_EQ(found.std[1], 1.0F);
  EXPECT_FLOAT_EQ(found.mean[1], 7.0F);
  // A deviation of 5e-7 of the mean is that of the rounding of float32.
  EXPECT_FLOAT_EQ(found.mean[0], 1e6F + 0.5F);
}

TEST(VectorStatistics, NameTheFirstValueThatIsNotFinite) {
  std::vector<float> values(3000, 1.0F);
  values[1234] = NAN;
  values[2345] = INFINITY;
  EXPECT_EQ(message_of([&] { vector_statistics(Vectors::in_memory(3, values), "X.npy"); }),
            "X.npy: value 1 of row 411 is nan; remove the row, or compute its features again");
}

}  // namespace
}  // namespace bptplr
