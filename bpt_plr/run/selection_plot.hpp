// Pictures of a partition, for TensorBoard: small, and drawn without any library.
#pragma once

#include <span>

#include "bpt_plr/method/gmm.hpp"
#include "bpt_plr/run/selection_points.hpp"
#include "data/images/image.hpp"

namespace bptplr {

/// Side of the pictures in pixels. The unit square lies kPlotMargin pixels within them, under lines
/// at its quarters.
inline constexpr int kPlotSide = 360;
inline constexpr int kPlotMargin = 12;

/// A dot for each point, both figures of the evidence from 0 to 1, the first to the right, the
/// second upwards, or how clean the label is held to be where there is only one; blue where that is
/// clean, orange where wrong. In the plane of two figures, around the mean of each component of
/// `fit` the ellipse of two standard deviations; nothing for null.
Image draw_selection(const NetworkPoints& points, const GmmFit* fit);

/// How many samples have which clean probability, from 0 on the left to 1 on the right, in bars
/// whose heights grow with log(1 + count), as most samples are at either end. A line marks
/// `threshold`.
Image draw_clean_probabilities(std::span<const double> clean, double threshold);

}  // namespace bptplr
