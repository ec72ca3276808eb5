// File formats of CIFAR-10 and CIFAR-100: records of a label and three planes of 32 x 32 pixels
// (binary), or pickled numpy arrays (Python).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.hpp"

namespace bptplr {

/// Differences between the files of CIFAR-10 and CIFAR-100.
struct CifarFormat {
  const char* name;           ///< "CIFAR-10"
  std::int64_t classes;       ///< labels are 0 to classes - 1
  std::size_t label_bytes;    ///< before each image of the binary files; the last one counts
  const char* label_key;      ///< of the Python files
  const char* first_batch;    ///< file that identifies the set
  const char* binary_folder;  ///< folder that the archives extract to
  const char* python_folder;
  const char* python_archive;
};

class CifarFiles {
 public:
  /// Finds the files in `folder` or in an archive's folder within it; binary ones are preferred.
  /// Throws Error when there are none. `format` must outlive this.
  CifarFiles(const CifarFormat& format, const std::filesystem::path& folder);

  /// Reads the images of some files, one file after the other. Throws Error naming the file when
  /// one is missing, cut short, damaged, of another kind or of another length than the first.
  Split read(const std::vector<std::string>& batches) const;

 private:
  enum class Layout { kBinary, kPython };

  std::filesystem::path path(const std::string& batch) const;

  const CifarFormat& format_;
  std::filesystem::path folder_;
  Layout layout_ = Layout::kBinary;
};

}  // namespace bptplr
