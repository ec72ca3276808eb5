// Data sets as a table of image files: CSV with the columns path and label.
#pragma once

#include <filesystem>

#include "data/sets/image_list.hpp"

namespace bptplr {

/// The images of a manifest: comma-separated values (RFC 4180) under a header with the columns
/// `path` and `label` and, if wanted, `true_label` and `split`, in any order. Paths are relative to
/// the manifest's folder. Labels are whole numbers from 0, or else names, which are numbered in
/// their order; an empty true_label is an unknown one. `split` is train, test or val; val counts as
/// test where no row says test, and is left out where one does; without that column all are train.
/// Test images are tested against their true label where it is known. Throws Error naming the file
/// and the line.
ImageList list_manifest(const std::filesystem::path& manifest);

/// The same as images, with a test set. Throws Error as complete_test_set and load_image_list do,
/// too.
Dataset load_manifest(const std::filesystem::path& manifest, const TestSplit& split,
                      const ImageSetOptions& options);

}  // namespace bptplr
