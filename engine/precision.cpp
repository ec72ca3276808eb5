#include "engine/precision.hpp"

#include "engine/tensor.hpp"

namespace bptplr {

DType dtype_of(Precision precision) {
  return precision == Precision::kBfloat16 ? DType::kBfloat16 : DType::kFloat32;
}

}  // namespace bptplr
