// Data sets stored as a table of image files: CSV with the columns path and label.
#pragma once

#include <filesystem>

#include "data/sets/image_list.hpp"

namespace bptplr {

/// Lists the images of a manifest: CSV (RFC 4180) with the header columns `path` and `label` and,
/// optionally, `true_label` and `split`, in any order. Paths are relative to the manifest's folder.
/// Labels make classes as ClassNames says; a true_label that is missing (is_missing_label) is
/// unknown, a missing label an error. `split` is train, test or val: val counts as test if no row
/// says test and is left out otherwise; without the column all rows are train. Test labels are the
/// true labels where known. Throws Error naming file and line.
ImageList list_manifest(const std::filesystem::path& manifest);

/// Loads the images of list_manifest with a test set. Throws Error as that, complete_test_set and
/// load_image_list do.
Dataset load_manifest(const std::filesystem::path& manifest, const TestSplit& split,
                      const ImageSetOptions& options);

}  // namespace bptplr
