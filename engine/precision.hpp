// Precision of a network's computations.
#pragma once

#include "engine/names.hpp"

namespace bptplr {

enum class DType;

/// Type of activations; sums, parameters and losses are float32 in any case.
enum class Precision { kFloat32, kBfloat16 };
constexpr auto names_of(Precision) {
  return std::to_array<NamedValue<Precision>>(
      {{Precision::kFloat32, "float32"}, {Precision::kBfloat16, "bf16"}});
}

/// Returns the element type of activations.
DType dtype_of(Precision precision);

}  // namespace bptplr
