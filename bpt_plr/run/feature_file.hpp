// Writes features of images to a .npy file row by row, so that stopped work goes on where it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/io/open_file.hpp"
#include "engine/tensor.hpp"

namespace bptplr {

/// Position in the list of files, after some of which rows have been written.
struct FeatureProgress {
  std::int64_t files_done = 0;
  std::vector<std::int64_t> kept;  ///< files that gave a row, in the order of the rows
};

/// File NAME.npy in the making: NAME.npy.part holds rows, NAME.npy.part.json how far they go.
class FeatureFile {
 public:
  /// Opens a file of `dim` float32 values a row. Work that an earlier process left is resumed if it
  /// was for the same `key`, else removed. Throws Error where nothing can be written, and where
  /// another process writes there.
  FeatureFile(const std::filesystem::path& path, std::int64_t dim, std::uint64_t key);
  FeatureFile(const FeatureFile&) = delete;
  FeatureFile& operator=(const FeatureFile&) = delete;

  const FeatureProgress& progress() const { return progress_; }
  /// Appends the rows of `features` [n, dim], those of `kept` among the files before `files_done`,
  /// and notes that on the disk. Throws Error when the disk is full.
  void append(const Tensor& features, const std::vector<std::int64_t>& kept,
              std::int64_t files_done);
  /// Completes the file under its name. Throws Error on failure.
  void finish();

 private:
  void resume();
  void write_progress() const;
  void write(std::int64_t offset, const void* bytes, std::size_t count) const;

  std::filesystem::path path_;
  std::filesystem::path part_;
  std::filesystem::path note_;
  std::int64_t dim_;
  std::uint64_t key_;
  Descriptor file_;
  FeatureProgress progress_;
};

}  // namespace bptplr
