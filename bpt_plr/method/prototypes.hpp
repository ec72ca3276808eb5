// Steps "after the warm-up" and 6: prototypes are the unit mean projections of the classes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

/// Throws Error naming the first class that no sample is labelled as: it can have no prototype.
void require_every_class(std::span<const std::int64_t> noisy_labels,
                         const std::vector<std::string>& class_names);

/// P_c = normalize(mean of q over the samples with noisy label c), once require_every_class holds.
void initialize_prototypes(const Tensor& projection, std::span<const std::int64_t> noisy_labels,
                           const std::vector<std::string>& class_names, Tensor& prototypes);

/// P_c <- normalize(momentum P_c + (1 - momentum) normalize(mean of the q of class c)), with the
/// classes int64 [n] of PseudoLabels::choose, -1 for none. Classes without samples keep their
/// prototype.
void update_prototypes(const Tensor& projection, const Tensor& classes, double momentum,
                       Tensor& prototypes);

}  // namespace bptplr
