// Pictures of a partition, for TensorBoard: small, and drawn without any library.
#pragma once

#include <span>

#include "bpt_plr/gmm.hpp"
#include "bpt_plr/selection_points.hpp"
#include "data/image.hpp"

namespace bptplr {

/// Side of the pictures in pixels. The unit square lies kPlotMargin pixels within them, under lines
/// at its quarters.
inline constexpr int kPlotSide = 360;
inline constexpr int kPlotMargin = 12;

/// A dot for each point, the classifier loss to the right and the prototype loss upwards, both from
/// 0 to 1; blue where the label is held to be clean, orange where wrong. Around the mean of each
/// component the ellipse of two standard deviations.
Image draw_gmm(const GmmFit& fit, const NetworkPoints& points);

/// How many samples have which clean probability, from 0 on the left to 1 on the right, in bars
/// whose heights grow with log(1 + count), as most samples are at either end. A line marks
/// `threshold`.
Image draw_clean_probabilities(std::span<const double> clean, double threshold);

}  // namespace bptplr
