// The outlines of the ten shapes as signed distances.
#pragma once

#include <array>

namespace bptplr {

inline constexpr std::array<const char*, 10> kShapeNames{"circle", "ring",  "square",   "triangle",
                                                         "star",   "cross", "crescent", "hexagon",
                                                         "arrow",  "heart"};

/// How far (x, y) lies outside (positive) or inside (negative) shape `shape` in 0..9, which is
/// centred on the origin, upright (y grows downwards) and fits a circle of about radius 1.
float shape_distance(int shape, float x, float y);

}  // namespace bptplr
