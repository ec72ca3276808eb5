// Clothing1M (Xiao et al., "Learning from Massive Noisy Labeled Data for Image Classification",
// CVPR 2015): a million photographs from shops in 14 classes, about 38 % of the labels wrong.
#pragma once

#include <filesystem>

#include "data/sets/image_list.hpp"

namespace bptplr {

/// Clothing1M as it is distributed, by the lists that lie in `folder` or in its folder annotations.
///
/// Training: the images of noisy_train_key_list.txt with the labels of noisy_label_kv.txt; their
/// true labels are those of clean_label_kv.txt, where they stand there, else unknown. Test: the
/// images of clean_test_key_list.txt with the labels of clean_label_kv.txt. The other lists
/// (clean_train and clean_val) are for methods that train on clean labels and are not read.
///
/// A key is an image's path, images/7/82/3472320502,830217827.jpg, below `folder`; where the folder
/// images is missing, without it. Throws Error naming file and line, and what is missing.
ImageList list_clothing1m(const std::filesystem::path& folder);

/// The same as images. Throws Error as load_image_list does, too.
Dataset load_clothing1m(const std::filesystem::path& folder, const ImageSetOptions& options);

/// Are the lists there?
bool has_clothing1m(const std::filesystem::path& folder);

}  // namespace bptplr
