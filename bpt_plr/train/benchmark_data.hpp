// What a benchmark handles in place of a data set: noise as images, and outputs of networks that
// tell right labels from wrong ones somewhat.
#pragma once

#include <cstdint>
#include <vector>

#include "bpt_plr/method/evidence.hpp"
#include "bpt_plr/train/epoch_samples.hpp"
#include "data/dataset.hpp"

namespace bptplr {

/// `count` images of side x side pixels.
Images random_images(std::int64_t count, int side);

/// `count` samples that share `images` images, with labels of which no one knows the truth.
EpochSamples random_samples(std::int64_t count, std::int64_t images, std::int64_t classes);

/// z and q of a network for samples with these labels on `device`, s left undefined: three in five
/// logits favour the label. A few thousand different rows, again and again; other ones for each
/// `network`.
KeptOutputs random_outputs(const EpochSamples& samples, std::int64_t classes, std::int64_t low_dim,
                           std::uint32_t network, Device device);

}  // namespace bptplr
