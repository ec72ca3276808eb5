// The built-in image set: ten kinds of shape, drawn on the spot. It lets every feature be tried and
// tested without a download, on images that take learning.
#pragma once

#include <cstdint>

#include "data/dataset.hpp"

namespace bptplr {

/// n_train and n_test images of 32 x 32 pixels with ten classes: circle, ring, square, triangle,
/// star, cross, crescent, hexagon, arrow, heart. Colours, gradient, texture, position, size,
/// proportions, rotation, clutter and noise are drawn independently of the class, so that nothing
/// but the outline tells it. Image i has class i mod 10 and its own random stream (training and
/// test images never share one): the same seed gives the same bytes for any number of threads and
/// images. Throws Error unless n_train and n_test are in 1..10,000,000.
Dataset make_shapes(std::uint64_t seed, std::int64_t n_train, std::int64_t n_test);

}  // namespace bptplr
