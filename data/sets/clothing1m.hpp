// Clothing1M (Xiao et al., "Learning from Massive Noisy Labeled Data for Image Classification",
// CVPR 2015): a million photographs from shops in 14 classes, about 38 % of the labels wrong.
#pragma once

#include <filesystem>

#include "data/sets/image_list.hpp"

namespace bptplr {

/// Lists Clothing1M as it is distributed, by the lists in `folder` or in its folder annotations.
///
/// Training: the images of noisy_train_key_list.txt with the labels of noisy_label_kv.txt; true
/// labels are those of clean_label_kv.txt, unknown where it has none. Test: the images of
/// clean_test_key_list.txt with the labels of clean_label_kv.txt. The other lists (clean_train and
/// clean_val) are for methods that train on clean labels and are not read.
///
/// A key is the path of an image below `folder`, images/7/82/3472320502,830217827.jpg; if there is
/// no folder images, the path without it. Throws Error naming file and line, and what is missing.
ImageList list_clothing1m(const std::filesystem::path& folder);

/// Loads the images of list_clothing1m. Throws Error as that and load_image_list do.
Dataset load_clothing1m(const std::filesystem::path& folder, const ImageSetOptions& options);

/// Returns whether `folder` holds the lists of Clothing1M.
bool has_clothing1m(const std::filesystem::path& folder);

}  // namespace bptplr
