#include "data/sets/shape_outlines.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace bptplr {
namespace {

struct Point {
  float x;
  float y;
};

constexpr Point kSquare[] = {{-0.75F, -0.75F}, {0.75F, -0.75F}, {0.75F, 0.75F}, {-0.75F, 0.75F}};
constexpr Point kTriangle[] = {{0.0F, -1.05F}, {0.95F, 0.6F}, {-0.95F, 0.6F}};
constexpr Point kStar[] = {{0.0F, -1.05F},  {0.26F, -0.36F}, {1.0F, -0.32F},  {0.42F, 0.14F},
                           {0.62F, 0.85F},  {0.0F, 0.44F},   {-0.62F, 0.85F}, {-0.42F, 0.14F},
                           {-1.0F, -0.32F}, {-0.26F, -0.36F}};
constexpr Point kCross[] = {{-0.3F, -0.95F}, {0.3F, -0.95F}, {0.3F, -0.3F},   {0.95F, -0.3F},
                            {0.95F, 0.3F},   {0.3F, 0.3F},   {0.3F, 0.95F},   {-0.3F, 0.95F},
                            {-0.3F, 0.3F},   {-0.95F, 0.3F}, {-0.95F, -0.3F}, {-0.3F, -0.3F}};
constexpr Point kHexagon[] = {{0.9F, 0.0F},  {0.45F, 0.78F},   {-0.45F, 0.78F},
                              {-0.9F, 0.0F}, {-0.45F, -0.78F}, {0.45F, -0.78F}};
constexpr Point kArrow[] = {{0.0F, -1.0F}, {0.8F, -0.1F},  {0.3F, -0.1F}, {0.3F, 1.0F},
                            {-0.3F, 1.0F}, {-0.3F, -0.1F}, {-0.8F, -0.1F}};
constexpr Point kHeart[] = {{0.0F, -0.4F},   {0.2F, -0.75F},   {0.5F, -0.88F},  {0.82F, -0.75F},
                            {0.95F, -0.4F},  {0.85F, -0.05F},  {0.5F, 0.45F},   {0.0F, 0.95F},
                            {-0.5F, 0.45F},  {-0.85F, -0.05F}, {-0.95F, -0.4F}, {-0.82F, -0.75F},
                            {-0.5F, -0.88F}, {-0.2F, -0.75F}};

float circle(float x, float y, float radius) {
  return std::sqrt(x * x + y * y) - radius;
}

/// Returns the distance to the nearest edge, negative inside: the sign flips with every edge that a
/// ray to the right crosses.
float polygon(std::span<const Point> corners, float x, float y) {
  float nearest = std::numeric_limits<float>::max();
  bool inside = false;
  Point a = corners.back();
  for (const Point b : corners) {
    const float ex = b.x - a.x;
    const float ey = b.y - a.y;
    const float px = x - a.x;
    const float py = y - a.y;
    const float along = std::clamp((px * ex + py * ey) / (ex * ex + ey * ey), 0.0F, 1.0F);
    const float dx = px - along * ex;
    const float dy = py - along * ey;
    nearest = std::min(nearest, dx * dx + dy * dy);
    if ((a.y > y) != (b.y > y) && x < a.x + ex * (y - a.y) / ey) inside = !inside;
    a = b;
  }
  return inside ? -std::sqrt(nearest) : std::sqrt(nearest);
}

}  // namespace

float shape_distance(int shape, float x, float y) {
  switch (shape) {
    case 0:
      return circle(x, y, 0.88F);
    case 1:
      return std::abs(circle(x, y, 0.72F)) - 0.2F;
    case 2:
      return polygon(kSquare, x, y);
    case 3:
      return polygon(kTriangle, x, y);
    case 4:
      return polygon(kStar, x, y);
    case 5:
      return polygon(kCross, x, y);
    case 6:
      return std::max(circle(x, y, 0.95F), -circle(x - 0.45F, y, 0.75F));
    case 7:
      return polygon(kHexagon, x, y);
    case 8:
      return polygon(kArrow, x, y);
    default:
      return polygon(kHeart, x, y);
  }
}

}  // namespace bptplr
