// Draws small pictures of a partition for TensorBoard, without any library.
#pragma once

#include <span>

#include "bpt_plr/method/gmm.hpp"
#include "bpt_plr/run/selection_points.hpp"
#include "data/images/image.hpp"

namespace bptplr {

/// Side of the pictures in pixels. The unit square has a margin of kPlotMargin pixels and lines at
/// its quarters.
inline constexpr int kPlotSide = 360;
inline constexpr int kPlotMargin = 12;

/// Draws a dot for each point: first figure of the evidence (0 to 1) to the right, second one
/// upwards, or the clean probability where there is only one figure; blue is clean, orange is
/// wrong. With two figures, draws each component of `fit`, unless null, as an ellipse of two
/// standard deviations.
Image draw_selection(const NetworkPoints& points, const GmmFit* fit);

/// Draws a histogram of clean probabilities from 0 (left) to 1 (right) with a line at `threshold`.
/// Bars grow with log(1 + count), as most samples are at either end.
Image draw_clean_probabilities(std::span<const double> clean, double threshold);

}  // namespace bptplr
