// Stores values by epoch in a checkpoint, as tensors "PREFIX.EPOCH".
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/io/safetensors.hpp"

namespace bptplr {

/// Returns the name of `epoch` under `prefix`.
std::string epoch_name(const std::string& prefix, std::int64_t epoch);

/// Calls use(epoch, tensor) for every epoch that `tensors` has under `prefix`.
void for_each_epoch(const TensorMap& tensors, const std::string& prefix,
                    const std::function<void(std::int64_t epoch, const Tensor& values)>& use);

}  // namespace bptplr
