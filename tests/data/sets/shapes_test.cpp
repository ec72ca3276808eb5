#include "data/sets/shapes.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>

#include "data/sets/shape_outlines.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

TEST(Shapes, AreBalancedAndOfTheStatedSize) {
  const Dataset data = make_shapes(1, 1000, 200);
  EXPECT_EQ(data.num_classes(), 10);
  for (const Split* split : {&data.train, &data.test}) {
    const Images& images = split->images;
    EXPECT_EQ(images.pixels.size(), static_cast<std::size_t>(images.count * 32 * 32 * 3));
    ASSERT_EQ(split->labels.size(), static_cast<std::size_t>(images.count));
    std::array<std::int64_t, 10> sizes{};
    for (const std::int64_t label : split->labels) ++sizes[static_cast<std::size_t>(label)];
    for (const std::int64_t size : sizes) EXPECT_EQ(size, images.count / 10);
  }
}

TEST(Shapes, AreTheSameForAnyNumberOfThreadsAndImages) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const Dataset serial = make_shapes(5, 300, 100);
  omp_set_num_threads(2);
  const Dataset parallel = make_shapes(5, 400, 100);
  omp_set_num_threads(threads);
  EXPECT_TRUE(std::ranges::equal(serial.test.images.pixels, parallel.test.images.pixels));
  EXPECT_TRUE(std::equal(serial.train.images.pixels.begin(), serial.train.images.pixels.end(),
                         parallel.train.images.pixels.begin()));
}

TEST(Shapes, NoImageOccursTwice) {
  std::set<std::string> seen;
  for (const std::uint64_t seed : {1, 2}) {
    const Dataset data = make_shapes(seed, 200, 200);
    for (const Split* split : {&data.train, &data.test}) {
      for (std::int64_t i = 0; i < split->images.count; ++i) {
        seen.insert({split->images.image(i), split->images.image(i + 1)});
      }
    }
  }
  EXPECT_EQ(seen.size(), 800U);
}

TEST(Shapes, ColourTellsNothingAboutTheClass) {
  const Dataset data = make_shapes(3, 4000, 10);
  std::array<std::array<double, 3>, 10> mean{};
  for (std::size_t i = 0; i < data.train.images.pixels.size(); ++i) {
    mean[static_cast<std::size_t>(data.train.labels[i / 3072])][i % 3] +=
        data.train.images.pixels[i] / 255.0 / (400 * 1024);
  }
  // 400 images a class; the mean colour of an image has a standard deviation of about 0.2.
  for (const auto& color : mean) {
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(color[c], data.mean[c], 5 * 0.2 / 20);
  }
}

TEST(Shapes, OutlinesAreSignedDistances) {
  for (int shape = 0; shape < 10; ++shape) {
    int inside = 0;
    for (int row = -30; row < 30; ++row) {
      for (int column = -30; column < 30; ++column) {
        const float x = 0.05F * static_cast<float>(column);
        const float y = 0.05F * static_cast<float>(row);
        const float d = shape_distance(shape, x, y);
        // A distance changes no faster than the place does.
        EXPECT_LE(std::abs(shape_distance(shape, x + 0.01F, y) - d), 0.0101F) << shape;
        EXPECT_LE(std::abs(shape_distance(shape, x, y + 0.01F) - d), 0.0101F) << shape;
        inside += d < 0.0F ? 1 : 0;
        if (std::hypot(x, y) > 1.15F) {
          EXPECT_GT(d, 0.0F) << shape;
        }
      }
    }
    EXPECT_GT(inside * 0.05 * 0.05, 0.7) << "area of shape " << shape;
  }
}

TEST(Shapes, CountsOutsideTheRangeAreErrors) {
  EXPECT_THROW(make_shapes(1, 0, 10), Error);
  EXPECT_THROW(make_shapes(1, 10, -1), Error);
  EXPECT_THROW(make_shapes(1, 10'000'001, 10), Error);
}

}  // namespace
}  // namespace bptplr
