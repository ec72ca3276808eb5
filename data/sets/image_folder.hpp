// Data sets stored as image files in a folder for each class.
#pragma once

#include <filesystem>

#include "data/sets/image_list.hpp"

namespace bptplr {

/// Lists FOLDER/train/CLASS/** and FOLDER/test/CLASS/**, or FOLDER/CLASS/** or
/// FOLDER/train/CLASS/** alone, without test images; FOLDER may lie within another. train may be
/// called training; test: testing, val, valid or validation. Classes are in the order of
/// ClassNames, files in that of their paths. Throws Error naming the folder for another
/// layout or a class without images.
ImageList list_folder(const std::filesystem::path& folder);

/// Loads the images of list_folder with a test set. Throws Error as that, complete_test_set and
/// load_image_list do.
Dataset load_folder(const std::filesystem::path& folder, const TestSplit& split,
                    const ImageSetOptions& options);

}  // namespace bptplr
