// Finds the arrays in .npy, .npz and safetensors files, which stay on the disk.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/mapped_file.hpp"
#include "engine/io/safetensors.hpp"

namespace bptplr {

/// Arrays of a file that is mapped as long as this exists.
struct ArrayFile {
  std::shared_ptr<const MappedFile> file;
  std::vector<StoredTensor> arrays;  ///< in row-major order; of a .npy file one without a name

  /// Returns the first array of one of these names; nullptr if there is none.
  const StoredTensor* find(std::initializer_list<std::string_view> names) const;
};

/// Opens a file, whose bytes decide what it is. Throws Error naming the file when it is missing, of
/// another kind, damaged, compressed, or has an array in column-major order, of big-endian numbers
/// or of a type that engine/io/elements.hpp does not know.
ArrayFile open_arrays(const std::filesystem::path& path);

}  // namespace bptplr
