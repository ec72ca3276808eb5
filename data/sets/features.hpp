// Features of samples, computed by any pretrained network: a matrix [N, D] in a file, which is
// mapped and never loaded, with labels beside it.
#pragma once

#include <filesystem>

#include "data/dataset.hpp"
#include "data/load_report.hpp"
#include "data/sets/image_list.hpp"

namespace bptplr {

/// Largest D of a matrix of features.
inline constexpr std::int64_t kMaxFeatures = 8192;

/// Where the parts of a set of features are. An empty path stands for what lies in or beside
/// `features`.
struct FeatureFiles {
  std::filesystem::path features;       ///< of training samples, or of all
  std::filesystem::path labels;         ///< of its rows
  std::filesystem::path test_features;  ///< empty: none, or as `labels` or the test split say
  std::filesystem::path test_labels;
};

/// Loads features of float16 or float32: .npy, or the array `features`, `x` or `X` of .npz (of
/// numpy.savez) and safetensors. Labels are a list (label_file.hpp), or a CSV table with a row for
/// each row of the matrix and the columns label and, optionally, path, true_label and split
/// (manifest_rows.hpp); without a name they are the arrays `labels` or `y` and `true_labels` of the
/// file, or what is called as it is with the ending .csv, or with _labels and .csv, .json, .npy or
/// .txt. Test samples are those of test_features, or the array `test_features` with `test_labels`,
/// or rows of the split test, or are split off; there may be none. Networks see the
/// square roots of features of which none is negative, normalised by the training rows. Throws
/// Error naming the file for anything missing or malformed, for more than kMaxFeatures values, and
/// for one that is not finite.
Dataset load_features(const FeatureFiles& files, const TestSplit& split, const LoadReport& report);

}  // namespace bptplr
