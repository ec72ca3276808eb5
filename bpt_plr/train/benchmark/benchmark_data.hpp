// Replaces a data set in benchmarks: noise as images, and random outputs of networks that partly
// separate right labels from wrong ones.
#pragma once

#include <cstdint>
#include <vector>

#include "bpt_plr/method/evidence.hpp"
#include "bpt_plr/train/epoch_samples.hpp"
#include "data/dataset.hpp"

namespace bptplr {

/// Returns `count` random images of side x side pixels.
Images random_images(std::int64_t count, int side);

/// Returns `count` random vectors of `dim` values.
Vectors random_vectors(std::int64_t count, std::int64_t dim);

/// Returns `count` samples that share `images` images; their true labels are unknown.
EpochSamples random_samples(std::int64_t count, std::int64_t images, std::int64_t classes);

/// Returns random z and q of a network for samples with these labels on `device`; s is undefined.
/// Three in five rows of logits favour the label. A few thousand distinct rows are repeated; they
/// differ by `network`.
KeptOutputs random_outputs(const EpochSamples& samples, std::int64_t classes, std::int64_t low_dim,
                           std::uint32_t network, Device device);

}  // namespace bptplr
