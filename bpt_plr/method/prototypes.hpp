// The step after the warm-up: prototypes begin as the unit mean projections of the classes. Step 6
// moves them by update_prototypes (ops.hpp).
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

}  // namespace bptplr
