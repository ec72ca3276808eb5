#include "bpt_plr/run/selection_plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace bptplr {
namespace {

using Colour = std::array<double, 3>;

constexpr Colour kClean = {42, 111, 187};
constexpr Colour kWrong = {217, 102, 43};
constexpr Colour kInk = {40, 40, 40};
constexpr Colour kGrid = {222, 222, 222};

Colour mix(const Colour& a, const Colour& b, double share_of_b) {
  Colour colour{};
  for (std::size_t c = 0; c < 3; ++c) colour[c] = a[c] + share_of_b * (b[c] - a[c]);
  return colour;
}

/// Point in the unit square, y upwards.
struct Point {
  double x = 0.0;
  double y = 0.0;
};

/// White image to draw on. Shapes are antialiased by how far a pixel's centre lies inside.
class Canvas {
 public:
  Canvas() : image_{kPlotSide, kPlotSide, {}} {
    image_.pixels.assign(std::size_t{kPlotSide} * kPlotSide * 3, 255);
    for (int quarter = 0; quarter <= 4; ++quarter) {
      const double at = 0.25 * quarter;
      line({at, 0.0}, {at, 1.0}, 1.0, kGrid);
      line({0.0, at}, {1.0, at}, 1.0, kGrid);
    }
  }

  void dot(Point center, double radius, const Colour& colour, double opacity) {
    line(center, center, 2.0 * radius, colour, opacity);
  }

  /// Draws a line of `width` pixels with round ends.
  void line(Point from, Point to, double width, const Colour& colour, double opacity = 1.0) {
    const Point a = to_pixels(from);
    const Point b = to_pixels(to);
    const double reach = 0.5 * width + 1.0;
    const double length2 = (b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y);
    for (int y = first(std::min(a.y, b.y) - reach); y < last(std::max(a.y, b.y) + reach); ++y) {
      for (int x = first(std::min(a.x, b.x) - reach); x < last(std::max(a.x, b.x) + reach); ++x) {
        const double dx = x + 0.5 - a.x;
        const double dy = y + 0.5 - a.y;
        const double along = dx * (b.x - a.x) + dy * (b.y - a.y);
        const double t = length2 > 0.0 ? std::clamp(along / length2, 0.0, 1.0) : 0.0;
        const double distance = std::hypot(dx - t * (b.x - a.x), dy - t * (b.y - a.y));
        blend(x, y, colour, opacity * std::clamp(0.5 * width + 0.5 - distance, 0.0, 1.0));
      }
    }
  }

  void box(Point low, Point high, const Colour& colour) {
    const Point a = to_pixels({low.x, high.y});
    const Point b = to_pixels({high.x, low.y});
    const auto covered = [](int pixel, double from, double to) {
      return std::clamp(std::min(pixel + 1.0, to) - std::max<double>(pixel, from), 0.0, 1.0);
    };
    for (int y = first(a.y); y < last(b.y); ++y) {
      for (int x = first(a.x); x < last(b.x); ++x) {
        blend(x, y, colour, covered(x, a.x, b.x) * covered(y, a.y, b.y));
      }
    }
  }

  Image take() { return std::move(image_); }

 private:
  static Point to_pixels(Point point) {
    constexpr double kScale = kPlotSide - 2 * kPlotMargin;
    return {kPlotMargin + kScale * point.x, kPlotSide - kPlotMargin - kScale * point.y};
  }
  /// Pixels that a shape may touch run from `first` to before `last`.
  static int first(double at) { return static_cast<int>(std::clamp(at, 0.0, 1.0 * kPlotSide)); }
  static int last(double at) { return first(std::ceil(at)); }

  void blend(int x, int y, const Colour& colour, double opacity) {
    std::uint8_t* pixel = image_.pixels.data() + (std::size_t{kPlotSide} * y + x) * 3;
    for (std::size_t c = 0; c < 3; ++c) {
      pixel[c] =
          static_cast<std::uint8_t>(std::lround(pixel[c] + opacity * (colour[c] - pixel[c])));
    }
  }

  Image image_;
};

using Matrix = std::array<std::array<double, 2>, 2>;

/// Draws the ellipse at two standard deviations: mean + 2 L (cos t, sin t), L L^T = covariance.
void draw_ellipse(Canvas& canvas, const std::array<double, 2>& mean, const Matrix& covariance,
                  const Colour& colour) {
  constexpr int kSegments = 72;
  const double l00 = std::sqrt(covariance[0][0]);
  const double l10 = l00 > 0.0 ? covariance[1][0] / l00 : 0.0;
  const double l11 = std::sqrt(std::max(covariance[1][1] - l10 * l10, 0.0));
  const auto at = [&](int segment) {
    const double t = 2.0 * std::numbers::pi * segment / kSegments;
    return Point{mean[0] + 2.0 * l00 * std::cos(t),
                 mean[1] + 2.0 * (l10 * std::cos(t) + l11 * std::sin(t))};
  };
  for (int i = 0; i < kSegments; ++i) canvas.line(at(i), at(i + 1), 2.0, colour);
  canvas.dot({mean[0], mean[1]}, 3.5, colour, 1.0);
}

}  // namespace

Image draw_selection(const NetworkPoints& points, const GmmFit* fit) {
  Canvas canvas;
  const bool in_plane = points.prototype.size() == points.clean.size();
  for (std::size_t i = 0; i < points.clean.size(); ++i) {
    canvas.dot({points.classifier[i], in_plane ? points.prototype[i] : points.clean[i]}, 1.8,
               mix(kWrong, kClean, points.clean[i]), 0.7);
  }
  if (!in_plane || fit == nullptr || fit->one_cluster) return canvas.take();
  for (int k = 0; k < 2; ++k) {
    const auto component = static_cast<std::size_t>(k);
    draw_ellipse(canvas, fit->means[component], fit->covariances[component],
                 mix(k == fit->clean_component ? kClean : kWrong, kInk, 0.45));
  }
  return canvas.take();
}

Image draw_clean_probabilities(std::span<const double> clean, double threshold) {
  constexpr std::size_t kBars = 40;
  std::array<double, kBars> counts{};
  for (const double w : clean) {
    ++counts[std::min(static_cast<std::size_t>(w * double{kBars}), kBars - 1)];
  }
  const double highest = std::log1p(*std::ranges::max_element(counts));
  Canvas canvas;
  for (std::size_t i = 0; i < kBars; ++i) {
    const double left = static_cast<double>(i) / kBars;
    const double right = static_cast<double>(i + 1) / kBars;
    if (counts[i] > 0.0) {
      canvas.box({left, 0.0}, {right, std::log1p(counts[i]) / highest},
                 mix(kWrong, kClean, 0.5 * (left + right)));
    }
  }
  canvas.line({threshold, 0.0}, {threshold, 1.0}, 2.0, kInk);
  return canvas.take();
}

}  // namespace bptplr
