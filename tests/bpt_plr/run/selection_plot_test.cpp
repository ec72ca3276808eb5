#include "bpt_plr/run/selection_plot.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace bptplr {
namespace {

using Pixel = std::array<int, 3>;
constexpr Pixel kWhite = {255, 255, 255};

/// The pixel that a place in the unit square lies in.
Pixel pixel_at(const Image& image, double x, double y) {
  const double scale = kPlotSide - 2 * kPlotMargin;
  const auto column = static_cast<int>(kPlotMargin + scale * x);
  const auto row = static_cast<int>(kPlotSide - kPlotMargin - scale * y);
  const std::uint8_t* pixel = image.pixels.data() + (std::size_t{kPlotSide} * row + column) * 3;
  return {pixel[0], pixel[1], pixel[2]};
}

bool is_blue(const Pixel& pixel) {
  return pixel[2] > pixel[0] + 40;
}
bool is_orange(const Pixel& pixel) {
  return pixel[0] > pixel[2] + 40;
}

/// How much darker the first picture is than the second, in pixels of the darkness of `colour`.
double covered_pixels(const Image& image, const Image& background, int channel, double value) {
  double sum = 0.0;
  for (std::size_t i = static_cast<std::size_t>(channel); i < image.pixels.size(); i += 3) {
    sum += background.pixels[i] - image.pixels[i];
  }
  return sum / (255.0 - value);
}

GmmFit two_components() {
  GmmFit fit;
  fit.means = {{{0.7, 0.6}, {0.2, 0.3}}};
  fit.covariances = {{{{{0.01, 0.004}, {0.004, 0.0041}}}, {{{0.0025, 0.0}, {0.0, 0.01}}}}};
  fit.clean_component = 1;
  return fit;
}

TEST(DrawSelection, EllipsesLieAtTwoStandardDeviations) {
  const GmmFit two = two_components();
  const Image image = draw_selection({}, &two);
  ASSERT_EQ(image.width, kPlotSide);
  ASSERT_EQ(image.pixels.size(), std::size_t{kPlotSide} * kPlotSide * 3);
  // The clean one: its axes lie along the coordinates, 0.1 and 0.2 long.
  for (const double side : {-1.0, 1.0}) {
    EXPECT_TRUE(is_blue(pixel_at(image, 0.2 + side * 0.1, 0.3)));
    EXPECT_TRUE(is_blue(pixel_at(image, 0.2, 0.3 + side * 0.2)));
    EXPECT_EQ(pixel_at(image, 0.2 + side * 0.085, 0.31), kWhite);
    EXPECT_EQ(pixel_at(image, 0.2 + side * 0.115, 0.31), kWhite);
  }
  // The other one is tilted: L = (0.1, 0; 0.04, 0.05).
  for (const double t : {0.3, 1.9, 4.0}) {
    EXPECT_TRUE(is_orange(
        pixel_at(image, 0.7 + 0.2 * std::cos(t), 0.6 + 0.08 * std::cos(t) + 0.1 * std::sin(t))))
        << t;
  }
  EXPECT_TRUE(is_blue(pixel_at(image, 0.2, 0.3))) << "the mean";
  EXPECT_TRUE(is_orange(pixel_at(image, 0.7, 0.6))) << "the mean";
}

TEST(DrawSelection, DotsAreWhereTheLossesAreInTheColourOfTheirProbability) {
  GmmFit fit;
  fit.one_cluster = true;
  const Image image = draw_selection({{0.1, 0.9}, {0.8, 0.4}, {1.0, 0.0}}, &fit);
  EXPECT_TRUE(is_blue(pixel_at(image, 0.1, 0.8)));
  EXPECT_TRUE(is_orange(pixel_at(image, 0.9, 0.4)));
  EXPECT_EQ(pixel_at(image, 0.9, 0.8), kWhite);
}

TEST(DrawSelection, OneFigureIsDrawnBesideHowCleanTheLabelIs) {
  const GmmFit two = two_components();
  const Image image = draw_selection({{0.1, 0.9}, {}, {0.8, 0.2}}, &two);
  EXPECT_TRUE(is_blue(pixel_at(image, 0.1, 0.8)));
  EXPECT_TRUE(is_orange(pixel_at(image, 0.9, 0.2)));
  EXPECT_EQ(pixel_at(image, 0.2 + 0.1, 0.3), kWhite) << "the components lie on a line";
}

TEST(DrawSelection, SoftEdgesKeepTheAreaOfADot) {
  const Image empty = draw_selection({}, nullptr);
  for (const double shift : {0.0, 0.0007, 0.0013}) {  // a pixel is 0.003 wide
    const Image image = draw_selection({{0.6 + shift}, {0.6 - shift}, {1.0}}, nullptr);
    const double area = covered_pixels(image, empty, 0, 42.0);
    EXPECT_NEAR(area, 0.7 * std::numbers::pi * 1.8 * 1.8, 0.35) << shift;
  }
}

TEST(DrawSelection, WhatLiesOutsideIsCutOff) {
  GmmFit fit = two_components();
  fit.means[0] = {1.4, -0.3};
  fit.covariances[1] = {{{4.0, 0.0}, {0.0, 0.0}}};
  EXPECT_EQ(draw_selection({{-3.0}, {7.0}, {0.5}}, &fit).pixels.size(),
            std::size_t{kPlotSide} * kPlotSide * 3);
}

TEST(DrawCleanProbabilities, BarsGrowWithTheLogarithm) {
  std::vector<double> clean(999, 0.0125);  // 40 bars: the first one
  clean.insert(clean.end(), 30, 0.9875);   // log(1 + 31) / log(1000) is 0.502
  clean.push_back(1.0);                    // is in the last one too
  const Image image = draw_clean_probabilities(clean, 0.3);
  EXPECT_TRUE(is_orange(pixel_at(image, 0.0125, 0.98)));
  EXPECT_TRUE(is_blue(pixel_at(image, 0.9875, 0.49)));
  EXPECT_EQ(pixel_at(image, 0.9875, 0.53), kWhite);
  EXPECT_EQ(pixel_at(image, 0.4, 0.1), kWhite);
  EXPECT_LT(pixel_at(image, 0.3, 0.6)[0], 60) << "the threshold";
}

}  // namespace
}  // namespace bptplr
