// Chooses parts of a data set.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.hpp"

namespace bptplr {

/// Returns the ascending indices of `count` samples with class sizes as equal as possible: every
/// class gives the same number (one more for the first classes if `count` does not divide); a class
/// that is too small gives all it has, and the others make up for it. `seed` determines the
/// samples. `labels` are the true ones, in [0, num_classes). Throws Error unless `count` is in
/// 1..labels.size().
std::vector<std::int64_t> balanced_subset(std::span<const std::int64_t> labels,
                                          std::int64_t num_classes, std::int64_t count,
                                          std::uint64_t seed);

/// Returns the indices of a balanced_subset that differs in every epoch, for training on large,
/// unbalanced sets (64,000 images of Clothing1M, Li et al., "DivideMix", ICLR 2020). `labels` are
/// the training labels. Throws Error unless `count` is in 1..labels.size().
std::vector<std::int64_t> balanced_draw(std::span<const std::int64_t> labels,
                                        std::int64_t num_classes, std::int64_t count,
                                        std::uint64_t seed, std::uint32_t epoch);

/// Returns values[indices[0]], values[indices[1]], ...: restricts a list of labels to a subset.
std::vector<std::int64_t> select(std::span<const std::int64_t> values,
                                 std::span<const std::int64_t> indices);

/// Returns the samples at `indices`, in that order, with all their labels and files.
Split select(const Split& split, std::span<const std::int64_t> indices);

/// Returns the samples of two splits of a set, which must both have files or true labels or
/// neither; vectors must be of one file.
Split joined(const Split& first, const Split& second);

}  // namespace bptplr
