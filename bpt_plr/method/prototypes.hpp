// Initialises prototypes after the warm-up as the unit mean projections of the classes. Step 6
// updates them by update_prototypes (ops.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor.hpp"

namespace bptplr {

/// Throws Error naming the first class without a labelled sample, as it can have no prototype.
void require_every_class(std::span<const std::int64_t> noisy_labels,
                         const std::vector<std::string>& class_names);

/// Sets P_c = normalize(mean of q over the samples with noisy label c) after require_every_class.
void initialize_prototypes(const Tensor& projection, std::span<const std::int64_t> noisy_labels,
                           const std::vector<std::string>& class_names, Tensor& prototypes);

}  // namespace bptplr
