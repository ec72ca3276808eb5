#include "engine/precision.hpp"

#include <utility>

#include "engine/tensor.hpp"

namespace bptplr {
namespace {

thread_local Precision current_cpu_precision = Precision::kFloat32;

}  // namespace

DType dtype_of(Precision precision, Device device) {
  const bool is_low = precision == Precision::kBfloat16 && device.type == DeviceType::kCuda;
  return is_low ? DType::kBfloat16 : DType::kFloat32;
}

CpuPrecisionScope::CpuPrecisionScope(Precision precision)
    : saved_(std::exchange(current_cpu_precision, precision)) {}

CpuPrecisionScope::~CpuPrecisionScope() {
  current_cpu_precision = saved_;
}

Precision cpu_precision() {
  return current_cpu_precision;
}

}  // namespace bptplr
