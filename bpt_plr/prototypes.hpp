// Steps "after the warm-up" and 6: prototypes are the unit mean projections of the classes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/sample_losses.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// P_c = normalize(mean of q over the samples with noisy label c). Throws Error naming the first
/// class that has no sample.
void initialize_prototypes(const Tensor& projection, std::span<const std::int64_t> noisy_labels,
                           const std::vector<std::string>& class_names, Tensor& prototypes);

/// P_c <- normalize(momentum P_c + (1 - momentum) normalize(mean of q with pseudo label c)), with
/// the pseudo labels of the kept outputs: argmax of (softmax(s) + softmax(z)) / 2 where that
/// exceeds `threshold`, else argmax z. Classes without samples keep their prototype.
void update_prototypes(const KeptOutputs& kept, double momentum, double threshold,
                       Tensor& prototypes);

}  // namespace bptplr
