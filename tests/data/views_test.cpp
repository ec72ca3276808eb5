#include "data/views.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <set>
#include <utility>
#include <vector>

#include "data/shapes.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

const Dataset& shapes() {
  static const Dataset dataset = make_shapes(1, 200, 10);
  return dataset;
}

std::vector<float> views(const std::vector<std::int64_t>& indices, View view, ViewStream stream) {
  const Dataset& data = shapes();
  const ViewMaker maker(data.train.images, data.mean, data.std);
  const Tensor out = maker.empty(std::ssize(indices));
  maker.make(indices, view, stream, out);
  return {out.span<float>().begin(), out.span<float>().end()};
}

std::vector<std::int64_t> first(std::int64_t count) {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < count; ++i) indices.push_back(i);
  return indices;
}

TEST(Views, TestViewIsTheNormalisedImage) {
  const Dataset& data = shapes();
  const auto out = views({7}, View::kTest, {1, 2, 3});
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float pixel = static_cast<float>(data.train.images.image(7)[i]) / 255.0F;
    ASSERT_EQ(out[i], (pixel - data.mean[i % 3]) / data.std[i % 3]);
  }
}

TEST(Views, DependOnSeedEpochDrawAndIndexOnly) {
  for (const View view : {View::kWeak, View::kStrong}) {
    const auto all = views(first(200), view, {1, 2, 3});
    EXPECT_EQ(all, views(first(200), view, {1, 2, 3}));
    EXPECT_NE(all, views(first(200), view, {2, 2, 3}));
    EXPECT_NE(all, views(first(200), view, {1, 3, 3}));
    EXPECT_NE(all, views(first(200), view, {1, 2, 4}));
    const auto alone = views({50}, view, {1, 2, 3});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), all.begin() + 50 * 32 * 32 * 3));
  }
}

TEST(Views, AreTheSameForAnyNumberOfThreads) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto serial = views(first(200), View::kStrong, {9, 0, 0});
  omp_set_num_threads(2);
  EXPECT_EQ(serial, views(first(200), View::kStrong, {9, 0, 0}));
  omp_set_num_threads(threads);
}

TEST(Views, WeakPlansCoverEveryShiftAndBothFlips) {
  std::set<std::pair<int, int>> shifts;
  int flips = 0;
  constexpr std::uint32_t kDraws = 5000;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    Philox random(1, Purpose::kTest, 0, i);
    const auto plan = draw_plan(View::kWeak, 32, 32, random);
    EXPECT_LE(std::max(std::abs(plan.crop_x), std::abs(plan.crop_y)), 4);
    EXPECT_EQ(plan.ops[0].kind, kernels::AugmentKind::kNone);
    EXPECT_EQ(plan.ops[1].kind, kernels::AugmentKind::kNone);
    shifts.insert({plan.crop_x, plan.crop_y});
    flips += plan.flip ? 1 : 0;
  }
  EXPECT_EQ(shifts.size(), 81U);
  EXPECT_NEAR(flips / static_cast<double>(kDraws), 0.5, 0.03);
}

TEST(Views, AnIndexOutsideIsAnError) {
  EXPECT_THROW(views({200}, View::kTest, {}), Error);
  EXPECT_THROW(views({-1}, View::kWeak, {}), Error);
}

TEST(Views, NoIndicesGiveNoViews) {
  EXPECT_TRUE(views({}, View::kStrong, {}).empty());
}

}  // namespace
}  // namespace bptplr
