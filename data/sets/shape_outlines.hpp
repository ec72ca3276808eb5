// Outlines of the ten shapes as signed distances.
#pragma once

#include <array>

namespace bptplr {

inline constexpr std::array<const char*, 10> kShapeNames{"circle", "ring",  "square",   "triangle",
                                                         "star",   "cross", "crescent", "hexagon",
                                                         "arrow",  "heart"};

/// Returns the distance of (x, y) to the outline of shape `shape` in 0..9, positive outside and
/// negative inside. The shape is centred on the origin, upright (y grows downwards) and fits a
/// circle of about radius 1.
float shape_distance(int shape, float x, float y);

}  // namespace bptplr
