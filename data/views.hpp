// The views that networks see of an image: as it is, weakly or strongly augmented.
#pragma once

#include <cstdint>
#include <span>

#include "data/dataset.hpp"
#include "engine/random.hpp"
#include "kernels/augment.hpp"

namespace bptplr {

enum class View {
  kTest,    ///< the image itself
  kWeak,    ///< random crop after padding with 4 zeros on each side, random horizontal flip
  kStrong,  ///< weak, then a sub-policy of AutoAugment for CIFAR-10
};

/// Which random numbers views are made with. Views of one image in one epoch must differ in `draw`
/// (< 2^20), or they come out the same.
struct ViewStream {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t draw = 0;
};

/// What the view does to an image of height x width pixels, with the numbers of `random`.
kernels::AugmentPlan draw_plan(View view, int height, int width, Philox& random);

/// Writes the chosen views of images[indices[i]], normalised: (p / 255 - mean[c]) / std[c].
/// out: float [indices.size(), height, width, 3]. The view of an image depends on the stream and on
/// its index in `images`, not on the batch that it is part of. Throws Error when an index lies
/// outside `images`.
void make_views(const Images& images, std::span<const std::int64_t> indices, View view,
                const ViewStream& stream, std::span<const float, 3> mean,
                std::span<const float, 3> std, float* out);

}  // namespace bptplr
