// The safetensors file format: eight bytes with the length of a JSON header, the header, the
// elements. PyTorch reads and writes it through the package `safetensors`.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "engine/tensor.hpp"

namespace bptplr {

using TensorMap = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

/// All tensors of a file (types F32, F64, I64, U8); `metadata`, if given, receives its
/// `__metadata__`. Throws Error, naming the file, for one that is missing, cut short or malformed.
TensorMap load_safetensors(const std::filesystem::path& path, Metadata* metadata = nullptr);

/// Writes the file under a temporary name and renames it, so that `path` always is a whole file.
/// Throws Error when it cannot be written.
void save_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                      const Metadata& metadata = {});

}  // namespace bptplr
