// Labels of samples that are the rows of an array: in its file, or in one beside it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/array_file.hpp"

namespace bptplr {

/// Labels of the rows of an array; all but `labels` may be empty.
struct RowLabels {
  std::vector<std::int64_t> labels;
  std::vector<std::int64_t> true_labels;
  std::vector<std::string> files;
  std::vector<bool> is_test;
  std::vector<std::string> class_names;  ///< empty: labels are numbers of classes

  /// Gives the labels, of test samples, the numbers that the training part's classes have, and
  /// takes true labels where they are known. Throws Error naming `file` for another class.
  void renumber(const std::vector<std::string>& train_class_names, const std::string& file);
};

/// Returns the labels of the `count` rows of an array of `opened`, which is called `file` in
/// errors: those of the file `named`, else of its own arrays labels or y and true_labels, else of
/// what lies beside it: NAME.csv, or NAME_labels and .csv, .json, .npy or .txt. Throws Error
/// otherwise, which tells of `flag`, and where labels are malformed or not as many as rows.
RowLabels row_labels(const ArrayFile& opened, const std::string& file, std::int64_t count,
                     const std::filesystem::path& named, const char* flag);

/// Reads the integers of an array of labels.
std::vector<std::int64_t> integers_of(const StoredTensor& array, const std::string& file);

}  // namespace bptplr
