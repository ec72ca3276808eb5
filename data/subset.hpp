// Choosing part of a data set.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.hpp"

namespace bptplr {

/// The ascending indices of `count` samples whose classes are as equal in number as possible: every
/// class gives the same number (one more for the first classes where `count` does not divide), and
/// a class that is too small all it has, the others making up for it. Which samples is drawn with
/// `seed`. labels are the true ones, in [0, num_classes). Throws Error when `count` is not in
/// 1..labels.size().
std::vector<std::int64_t> balanced_subset(std::span<const std::int64_t> labels,
                                          std::int64_t num_classes, std::int64_t count,
                                          std::uint64_t seed);

/// The same anew for every epoch: what large, unbalanced sets are trained on (64,000 images of
/// Clothing1M, Li et al., "DivideMix", ICLR 2020). labels are those that are trained with. Throws
/// as above.
std::vector<std::int64_t> balanced_draw(std::span<const std::int64_t> labels,
                                        std::int64_t num_classes, std::int64_t count,
                                        std::uint64_t seed, std::uint32_t epoch);

/// values[indices[0]], values[indices[1]], ...: carries a subset over to a list of labels.
std::vector<std::int64_t> select(std::span<const std::int64_t> values,
                                 std::span<const std::int64_t> indices);

/// The images and all that is known of them at `indices`, in that order.
Split select(const Split& split, std::span<const std::int64_t> indices);

}  // namespace bptplr
