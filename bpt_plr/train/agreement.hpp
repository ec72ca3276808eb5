// What every rank computes alike must be alike: a difference, of data or of rounding between
// processors, would otherwise end in networks that drift apart, or in ranks that wait for ever.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/communicator.hpp"
#include "engine/tensor.hpp"
#include "models/modules.hpp"

namespace bptplr {

/// Throws Error, on all ranks, unless `hash` is the same on all: "<what> of rank 2 is not that of
/// rank 0; <advice>".
void require_agreement(Communicator& group, std::uint64_t hash, const std::string& what,
                       const std::string& advice);

/// Returns a hash of the elements of tensors.
std::uint64_t hash_tensors(std::span<const Tensor> tensors);

/// Makes the running statistics of batch normalisation the mean of those of all ranks: of a network
/// that each rank has normalised by its own part of the batches.
void average_statistics(Communicator& group, const NamedTensors& named);

}  // namespace bptplr
