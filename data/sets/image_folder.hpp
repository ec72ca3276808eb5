// Data sets stored as image files in a folder for each class.
#pragma once

#include <filesystem>

#include "data/sets/image_list.hpp"

namespace bptplr {

/// Lists FOLDER/train/CLASS/* and FOLDER/test/CLASS/* (or val/), or FOLDER/CLASS/* or
/// FOLDER/train/CLASS/* alone, without test images. Classes and files are in the order of their
/// names; files are those called .jpg, .jpeg or .png in any case. Other files and names that begin
/// with a dot are ignored. Throws Error naming the folder for another layout or a class without
/// images.
ImageList list_folder(const std::filesystem::path& folder);

/// Loads the images of list_folder with a test set. Throws Error as that, complete_test_set and
/// load_image_list do.
Dataset load_folder(const std::filesystem::path& folder, const TestSplit& split,
                    const ImageSetOptions& options);

/// Returns the files directly in `folder` with the name of an image, in the order of their names,
/// readable or not. Throws Error when the folder cannot be read.
std::vector<std::filesystem::path> image_files_in(const std::filesystem::path& folder);

/// Returns the image files in `folder` and all folders below it, in the order of their paths. Skips
/// folders that are links or whose names begin with a dot. Throws Error as image_files_in does.
std::vector<std::filesystem::path> image_files_below(const std::filesystem::path& folder);

}  // namespace bptplr
