// Converts elements of the types that occur in files to those that tensors have.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/tensor.hpp"

namespace bptplr {

/// Type of elements in a file.
struct FileElements {
  std::string_view safetensors;  ///< its name in safetensors files, "" for none
  std::string_view numpy;        ///< numpy's, e.g. "i4", "" for none
  std::string_view torch;        ///< the storage type of PyTorch, "" for none
  std::size_t bytes;             ///< of an element
  DType dtype;                   ///< of the tensor that it is read as
  /// Converts `count` elements at `from`, which need not be aligned, to those of a tensor.
  void (*convert)(const char* from, std::size_t count, void* to);
};

/// Return the type of that name in a format, nullptr if it is unknown. float16 and bfloat16 become
/// float32, integers int64, bool and uint8 become uint8.
const FileElements* safetensors_elements(std::string_view name);
const FileElements* numpy_elements(std::string_view name);
const FileElements* torch_elements(std::string_view name);

/// Returns a tensor of little-endian elements, which `bytes` holds in row-major order.
Tensor tensor_of(const FileElements& type, Shape shape, std::string_view bytes);

}  // namespace bptplr
