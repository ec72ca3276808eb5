#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "data/image_views.hpp"
#include "data/sets/shapes.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

const Dataset& shapes() {
  static const Dataset dataset = make_shapes(1, 200, 10);
  return dataset;
}

Tensor view_tensor(const std::vector<std::int64_t>& indices, View view, ViewStream stream,
                   const ViewGeometry& geometry = {}) {
  const Dataset& data = shapes();
  const ImageViews maker(data.train.images, data.mean, data.std, geometry);
  const Tensor out = maker.empty(std::ssize(indices));
  maker.make(indices, view, stream, out);
  return out;
}

std::vector<float> views(const std::vector<std::int64_t>& indices, View view, ViewStream stream) {
  const Tensor out = view_tensor(indices, view, stream);
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

TEST(Views, AsDoublesAreTheFloats) {
  const Dataset& data = shapes();
  const ImageViews maker(data.train.images, data.mean, data.std, {}, {}, DType::kFloat64);
  const Tensor doubles = maker.empty(3);
  maker.make(first(3), View::kStrong, {1, 2, 3}, doubles);
  const Tensor floats = view_tensor(first(3), View::kStrong, {1, 2, 3});
  EXPECT_TRUE(std::ranges::equal(doubles.span<double>(), floats.span<float>()));
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

TEST(Views, PixelsAreWhatIsNormalised) {
  const Dataset& data = shapes();
  // Three images alone, known by their numbers in the data set.
  const std::vector<std::int64_t> samples{150, 3, 77};
  std::vector<std::uint8_t> alone;
  for (const std::int64_t i : samples) {
    const std::uint8_t* image = data.train.images.image(i);
    alone.insert(alone.end(), image, image + data.train.images.bytes_per_image());
  }
  const Images images = Images::in_memory(32, 32, alone);
  for (const View view : {View::kTest, View::kWeak, View::kStrong}) {
    const ViewGeometry geometry{view == View::kTest ? 20 : 40, 6};
    const Tensor pixels = make_pixels(images, samples, view, {1, 2, 3}, geometry);
    const Tensor floats = view_tensor(samples, view, {1, 2, 3}, geometry);
    ASSERT_EQ(pixels.shape(), floats.shape());
    for (std::size_t i = 0; i < pixels.span<std::uint8_t>().size(); ++i) {
      const float pixel = static_cast<float>(pixels.data<std::uint8_t>()[i]) / 255.0F;
      ASSERT_EQ(floats.data<float>()[i], (pixel - data.mean[i % 3]) / data.std[i % 3]) << i;
    }
  }
  EXPECT_THROW(make_pixels(images, first(2), View::kWeak, {}), Error);
  EXPECT_THROW(make_pixels(images, samples, View::kWeak, {}, {41, 4}), Error);
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
    const auto plan = draw_plan(View::kWeak, 32, 32, {}, random);
    EXPECT_LE(std::max(std::abs(plan.crop_x), std::abs(plan.crop_y)), 4);
    EXPECT_EQ(plan.ops[0].kind, kernels::AugmentKind::kNone);
    EXPECT_EQ(plan.ops[1].kind, kernels::AugmentKind::kNone);
    shifts.insert({plan.crop_x, plan.crop_y});
    flips += plan.flip ? 1 : 0;
  }
  EXPECT_EQ(shifts.size(), 81U);
  EXPECT_NEAR(flips / static_cast<double>(kDraws), 0.5, 0.03);
}

TEST(Views, ACropShowsAPartOfTheImage) {
  constexpr int kCrop = 24;
  const Dataset& data = shapes();
  const Tensor out = view_tensor({7}, View::kTest, {}, {kCrop, 0});
  EXPECT_EQ(out.shape(), (Shape{1, kCrop, kCrop, 3}));
  constexpr int kMargin = (32 - kCrop) / 2;
  for (int i = 0; i < kCrop * kCrop * 3; ++i) {
    const int y = i / 3 / kCrop + kMargin;
    const int x = i / 3 % kCrop + kMargin;
    const float pixel =
        static_cast<float>(data.train.images.image(7)[(y * 32 + x) * 3 + i % 3]) / 255.0F;
    const auto c = static_cast<std::size_t>(i % 3);
    ASSERT_EQ(out.data<float>()[i], (pixel - data.mean[c]) / data.std[c]);
  }
}

TEST(Views, RandomCropsLieAnywhereInThePaddedImage) {
  for (const ViewGeometry geometry :
       {ViewGeometry{28, 0}, ViewGeometry{20, 2}, ViewGeometry{0, 0}, ViewGeometry{34, 1}}) {
    std::set<int> columns;
    std::set<int> rows;
    for (std::uint32_t i = 0; i < 3000; ++i) {
      Philox random(1, Purpose::kTest, 0, i);
      const auto plan = draw_plan(View::kWeak, 32, 40, geometry, random);
      rows.insert(plan.crop_y);
      columns.insert(plan.crop_x);
    }
    const auto expect_all = [&](const std::set<int>& offsets, int side) {
      const int last = side + geometry.padding - geometry.side(side);
      EXPECT_EQ(*offsets.begin(), -geometry.padding);
      EXPECT_EQ(*offsets.rbegin(), last);
      EXPECT_EQ(std::ssize(offsets), last + geometry.padding + 1);
    };
    expect_all(rows, 32);
    expect_all(columns, 40);
  }
}

TEST(Views, TranslationsScaleWithTheCrop) {
  double largest = 0.0;
  for (std::uint32_t i = 0; i < 300; ++i) {
    Philox random(1, Purpose::kTest, 0, i);
    for (const auto& op : draw_plan(View::kStrong, 256, 256, {224, 0}, random).ops) {
      if (op.kind == kernels::AugmentKind::kTranslateY) largest = std::max(largest, op.argument);
    }
  }
  EXPECT_DOUBLE_EQ(largest, 150.0 / 331.0 * 224);
}

/// crop_x, crop_y, flip and the kinds of both operations as they were drawn before crops could be
/// chosen: a seed means the same run as ever.
TEST(Views, TheDefaultGeometryDrawsTheSameNumbersAsEver) {
  const std::vector<std::array<int, 5>> expected{
      {-2, -2, 1, 0, 0},  {1, -3, 1, 0, 11}, {-4, 1, 0, 8, 8}, {-1, 2, 1, 0, 0},
      {-4, -4, 0, 13, 0}, {1, 4, 0, 0, 0},   {3, 1, 0, 0, 0},  {1, -1, 1, 4, 12}};
  for (std::uint32_t i = 0; i < expected.size(); ++i) {
    Philox random(1, Purpose::kAugment, 2, i, 3);
    const auto plan = draw_plan(View::kStrong, 32, 32, {}, random);
    const std::array<int, 5> drawn{plan.crop_x, plan.crop_y, plan.flip ? 1 : 0,
                                   static_cast<int>(plan.ops[0].kind),
                                   static_cast<int>(plan.ops[1].kind)};
    EXPECT_EQ(drawn, expected[i]) << i;
  }
}

TEST(Views, ACropLargerThanThePaddedImageIsAnError) {
  EXPECT_THROW(view_tensor({}, View::kTest, {}, {41, 4}), Error);
  EXPECT_EQ(view_tensor({}, View::kTest, {}, {40, 4}).shape(), (Shape{0, 40, 40, 3}));
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
