#include "data/sets/shapes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "data/sets/shape_outlines.hpp"
#include "engine/error.hpp"
#include "engine/random.hpp"
#include "kernels/parallel.hpp"

namespace bptplr {
namespace {

constexpr int kShapeSide = 32;
constexpr std::int64_t kShapeBytes = 3 * kShapeSide * kShapeSide;
constexpr std::int64_t kMaxImages = 10'000'000;
constexpr auto kShapeCount = static_cast<std::int64_t>(kShapeNames.size());

using Color = std::array<float, 3>;

float between(Philox& random, float low, float high) {
  return low + (high - low) * random.uniform();
}

/// Draws each channel between `low` and `high`.
Color draw_color(Philox& random, float low, float high) {
  return {between(random, low, high), between(random, low, high), between(random, low, high)};
}

/// Surface of two colours that blend into each other in one direction, with waves in another.
struct Paint {
  Color from;
  Color to;
  float fade_x, fade_y;
  float wave_x, wave_y, wave_phase, wave_height;

  Color at(float x, float y) const {
    const float fade = std::clamp(0.5F + fade_x * x + fade_y * y, 0.0F, 1.0F);
    const float wave = wave_height * std::sin(wave_x * x + wave_y * y + wave_phase);
    Color color;
    for (std::size_t c = 0; c < 3; ++c) color[c] = from[c] + fade * (to[c] - from[c]) + wave;
    return color;
  }
};

Paint draw_paint(Philox& random, float low, float high) {
  constexpr float kTurn = 2.0F * std::numbers::pi_v<float>;
  const float fade_angle = between(random, 0.0F, kTurn);
  const float fade_rate = between(random, 0.0F, 1.0F / kShapeSide);
  const float wave_angle = between(random, 0.0F, kTurn);
  const float wave_rate = kTurn / between(random, 3.0F, 16.0F);
  const Color from = draw_color(random, low, high);
  const Color to = draw_color(random, low, high);
  return {from,
          to,
          fade_rate * std::cos(fade_angle),
          fade_rate * std::sin(fade_angle),
          wave_rate * std::cos(wave_angle),
          wave_rate * std::sin(wave_angle),
          between(random, 0.0F, kTurn),
          between(random, 0.0F, 0.1F)};
}

/// Thick line that covers part of the image.
struct Stroke {
  Color color;
  float x, y, dx, dy, radius;

  /// Returns the signed distance in pixels.
  float distance(float px, float py) const {
    const float length2 = dx * dx + dy * dy + 1e-6F;
    const float along = std::clamp(((px - x) * dx + (py - y) * dy) / length2, 0.0F, 1.0F);
    const float ex = px - x - along * dx;
    const float ey = py - y - along * dy;
    return std::sqrt(ex * ex + ey * ey) - radius;
  }
};

Stroke draw_stroke(Philox& random, float max_radius) {
  return {draw_color(random, 0.0F, 1.0F),    between(random, 0.0F, kShapeSide),
          between(random, 0.0F, kShapeSide), between(random, -12.0F, 12.0F),
          between(random, -12.0F, 12.0F),    between(random, 0.4F, max_radius)};
}

/// Maps pixels to the shape's own coordinates: translation, then rotation, proportions and size.
struct Pose {
  float center_x, center_y;
  float xx, xy, yx, yy;
  float radius;  ///< pixels per unit, for anti-aliasing

  float distance(int shape, float px, float py) const {
    const float x = px - center_x;
    const float y = py - center_y;
    return shape_distance(shape, xx * x + xy * y, yx * x + yy * y) * radius;
  }
};

Pose draw_pose(Philox& random) {
  constexpr float kMiddle = kShapeSide / 2.0F;
  const float angle = between(random, -0.8F, 0.8F);
  const float radius = between(random, 8.0F, 13.0F);
  const float stretch = between(random, 0.85F, 1.18F);
  const float c = std::cos(angle) / radius;
  const float s = std::sin(angle) / radius;
  return {kMiddle + between(random, -4.0F, 4.0F),
          kMiddle + between(random, -4.0F, 4.0F),
          c * stretch,
          s * stretch,
          -s / stretch,
          c / stretch,
          radius};
}

/// Paints `color` over `under` where the signed distance (in pixels) is negative, over one pixel of
/// transition.
void cover(Color& under, const Color& color, float signed_distance) {
  const float opacity = std::clamp(0.5F - signed_distance, 0.0F, 1.0F);
  for (std::size_t c = 0; c < 3; ++c) under[c] += opacity * (color[c] - under[c]);
}

std::vector<Stroke> draw_strokes(Philox& random, std::uint32_t most, float max_radius) {
  std::vector<Stroke> strokes(random.below(most + 1));
  for (Stroke& stroke : strokes) stroke = draw_stroke(random, max_radius);
  return strokes;
}

/// Random properties of an image, except its noise.
struct Scene {
  Paint background;
  Paint fill;
  Pose pose;
  std::vector<Stroke> behind;
  std::vector<Stroke> in_front;
  float noise;
};

Scene draw_scene(Philox& random) {
  // Any hue, but the shape is on average lighter than its background: with both orders, small
  // networks need many epochs before they learn outlines at all. Braces draw from left to right.
  return {draw_paint(random, 0.0F, 0.65F),
          draw_paint(random, 0.4F, 1.0F),
          draw_pose(random),
          draw_strokes(random, 3, 2.0F),
          draw_strokes(random, 2, 1.2F),
          between(random, 0.01F, 0.11F)};
}

void draw_image(int shape, Philox& random, std::uint8_t* out) {
  const Scene scene = draw_scene(random);
  for (int row = 0; row < kShapeSide; ++row) {
    for (int column = 0; column < kShapeSide; ++column) {
      const float x = static_cast<float>(column) + 0.5F;
      const float y = static_cast<float>(row) + 0.5F;
      constexpr float kMiddle = kShapeSide / 2.0F;
      Color color = scene.background.at(x - kMiddle, y - kMiddle);
      for (const Stroke& stroke : scene.behind) cover(color, stroke.color, stroke.distance(x, y));
      cover(color, scene.fill.at(x - kMiddle, y - kMiddle), scene.pose.distance(shape, x, y));
      for (const Stroke& stroke : scene.in_front) cover(color, stroke.color, stroke.distance(x, y));
      for (std::size_t c = 0; c < 3; ++c) {
        // The sum of two uniform numbers is noise without large outliers.
        const std::uint32_t bits = random.next();
        const float noise = static_cast<float>((bits >> 16) + (bits & 0xffff)) / 65535.0F - 1.0F;
        const float value = (color[c] + 2.0F * scene.noise * noise) * 255.0F + 0.5F;
        *out++ = static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F));
      }
    }
  }
}

/// Creates the images of a split; `split_number` separates the streams of training (0) and test
/// (1).
Split make_split(std::uint64_t seed, std::uint32_t split_number, std::int64_t count) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * kShapeBytes));
  std::vector<std::int64_t> labels(static_cast<std::size_t>(count));
  kernels::parallel_for(count, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto shape = static_cast<int>(i % kShapeCount);
      Philox random(seed, Purpose::kShapes, split_number, static_cast<std::uint32_t>(i));
      draw_image(shape, random, pixels.data() + i * kShapeBytes);
      labels[static_cast<std::size_t>(i)] = shape;
    }
  });
  return {Images::in_memory(kShapeSide, kShapeSide, std::move(pixels)), std::move(labels)};
}

}  // namespace

Dataset make_shapes(std::uint64_t seed, std::int64_t n_train, std::int64_t n_test) {
  for (const std::int64_t count : {n_train, n_test}) {
    require(count >= 1 && count <= kMaxImages,
            "{} images of shapes were asked for; training and test set each take 1 to {}", count,
            kMaxImages);
  }
  Dataset dataset;
  dataset.name = "shapes";
  dataset.class_names.assign(kShapeNames.begin(), kShapeNames.end());
  dataset.mean = {0.407F, 0.407F, 0.407F};
  dataset.std = {0.213F, 0.213F, 0.213F};
  dataset.train = make_split(seed, 0, n_train);
  dataset.test = make_split(seed, 1, n_test);
  return dataset;
}

}  // namespace bptplr
