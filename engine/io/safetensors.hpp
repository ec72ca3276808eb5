// Reads and writes safetensors files: eight bytes with the length of a JSON header, the header, the
// elements. PyTorch uses the format through the package `safetensors`.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/elements.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

using TensorMap = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

/// Reads all tensors of a file, with the types that engine/io/elements.hpp reads them as;
/// `metadata`, if given, receives its `__metadata__`. Throws Error naming the file when it is
/// missing, truncated or malformed.
TensorMap load_safetensors(const std::filesystem::path& path, Metadata* metadata = nullptr);

/// Reads the tensors (see load_safetensors) of a file in memory; `file` is its name in errors.
TensorMap parse_safetensors(std::string_view bytes, const std::string& file,
                            Metadata* metadata = nullptr);

/// Tensor in a file that has not been read.
struct StoredTensor {
  std::string name;
  const FileElements* type;
  Shape shape;
  std::string_view bytes;  ///< elements, which need not be aligned
};

/// Finds the tensors of a file in memory, which must outlive them, as parse_safetensors reads them.
std::vector<StoredTensor> stored_tensors(std::string_view bytes, const std::string& file,
                                         Metadata* metadata = nullptr);

/// Writes the file under a temporary name and renames it, so that `path` is always a complete file.
/// Throws Error when it cannot be written.
void save_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                      const Metadata& metadata = {});

}  // namespace bptplr
