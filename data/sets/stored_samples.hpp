// Samples that are the rows of an array in a file, with labels beside it: what sets of features and
// of images in arrays have in common.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.hpp"
#include "data/load_report.hpp"
#include "data/sets/image_list.hpp"
#include "engine/io/array_file.hpp"

namespace bptplr {

/// Where the parts of such a set are. An empty path stands for what lies in or beside `samples`.
struct SampleFiles {
  std::filesystem::path samples;       ///< of the training, or all
  std::filesystem::path labels;        ///< of its rows
  std::filesystem::path test_samples;  ///< empty: none, or as `labels` or the test split say
  std::filesystem::path test_labels;
};

/// A kind of samples in arrays.
struct StoredKind {
  const char* name;                                    ///< of the data set
  const char* array;                                   ///< what the array may be called, for errors
  std::initializer_list<std::string_view> names;       ///< of the array in a file of several
  std::initializer_list<std::string_view> test_names;  ///< of that of the test samples
  /// Returns samples without labels. Throws Error naming `file` for an array of another kind.
  Split (*samples)(const StoredTensor& array, std::shared_ptr<const MappedFile> mapped,
                   const std::string& file);
  /// Throws Error unless the samples of both parts are of one shape; names their files.
  void (*check_test)(const Split& train, const std::string& file, const Split& test,
                     const std::string& test_file);
  /// Computes what normalises the samples, and whatever else takes reading them all.
  void (*describe)(Dataset& dataset, const std::string& file, const LoadReport& report);
};

/// Loads samples of .npy, .npz (of numpy.savez) or safetensors. Labels are a list (label_file.hpp),
/// or a CSV table with a row for each sample and the columns label and, optionally, path,
/// true_label and split (manifest_rows.hpp); row_labels says where they are. Classes of labels that
/// are numbers are called as the lines of NAME_classes.txt beside the samples, if it exists. Test
/// samples are those of test_samples, or the test array with `test_labels` or `y_test`, or rows of
/// the split test, or are split off; there may be none. Throws Error naming the file for anything
/// missing or malformed.
Dataset load_stored_samples(const StoredKind& kind, const SampleFiles& files,
                            const TestSplit& split, const LoadReport& report);

}  // namespace bptplr
