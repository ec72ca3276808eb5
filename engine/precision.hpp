// Precision of a network's computations.
#pragma once

#include "engine/device.hpp"
#include "engine/names.hpp"

namespace bptplr {

enum class DType;

/// Type of activations on a GPU, and of what convolutions multiply on a CPU; sums, parameters and
/// losses are float32 in any case.
enum class Precision { kFloat32, kBfloat16 };
constexpr auto names_of(Precision) {
  return std::to_array<NamedValue<Precision>>(
      {{Precision::kFloat32, "float32"}, {Precision::kBfloat16, "bf16"}});
}

/// Returns the element type of activations.
DType dtype_of(Precision precision, Device device);

/// While it lives, convolutions that the calling thread computes on the CPU are of this precision.
class CpuPrecisionScope {
 public:
  explicit CpuPrecisionScope(Precision precision);
  CpuPrecisionScope(const CpuPrecisionScope&) = delete;
  CpuPrecisionScope& operator=(const CpuPrecisionScope&) = delete;
  ~CpuPrecisionScope();

 private:
  Precision saved_;
};

/// Returns the precision of the calling thread's convolutions on the CPU.
Precision cpu_precision();

}  // namespace bptplr
