// Data sets as folders of image files, a folder for each class.
#pragma once

#include <filesystem>

#include "data/sets/image_list.hpp"

namespace bptplr {

/// The images of FOLDER/train/CLASS/* and FOLDER/test/CLASS/* (or val/), or of FOLDER/CLASS/* or
/// FOLDER/train/CLASS/* alone, without test images. Classes are numbered in the order of their
/// names; files are taken in the order of theirs, those called .jpg, .jpeg or .png in any case;
/// names that begin with a dot and whatever else lies there are passed over. Throws Error naming
/// the folder when it is not laid out so, and when a class has no image.
ImageList list_folder(const std::filesystem::path& folder);

/// The same as images, with a test set. Throws Error as complete_test_set and load_image_list do,
/// too.
Dataset load_folder(const std::filesystem::path& folder, const TestSplit& split,
                    const ImageSetOptions& options);

/// The image files that lie in `folder` itself, in the order of their names: whatever is called so,
/// readable or not. Throws Error when the folder cannot be read.
std::vector<std::filesystem::path> image_files_in(const std::filesystem::path& folder);

/// The same of `folder` and all folders below it, in the order of their paths; folders that are
/// links, or whose names begin with a dot, are passed over.
std::vector<std::filesystem::path> image_files_below(const std::filesystem::path& folder);

}  // namespace bptplr
