// Labels that are told for each image by its path: JSON {"path": label} or CSV with a header.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.hpp"

namespace bptplr {

struct KeyedLabel {
  std::string path;  ///< or "#INDEX" where the table has a column index in place of path
  std::string label;
  std::string place;  ///< where it stands, for errors: "line 3"; "" in JSON
};

/// Reads a file of paths and labels; nothing if it is of another kind (label_file.hpp). CSV has the
/// columns path (or file, filename, file_name, image) or index, and label (or class); other columns
/// are ignored. Throws Error naming the file when it is missing, or a CSV without these columns.
std::optional<std::vector<KeyedLabel>> read_keyed_labels(const std::filesystem::path& path);

/// Returns the labels of a split's images. A path may be cut at its front as long as it is the end
/// of one image's path only, and may belong to no image at all. A label is the name of a class, or
/// its number where names are no numbers. Throws Error naming `file` and the image for an image
/// without label, two labels of one image, a label that is no class, and a path of two images.
std::vector<std::int64_t> labels_by_path(const std::vector<KeyedLabel>& labels,
                                         const std::string& file, const Dataset& dataset,
                                         const Split& split);

}  // namespace bptplr
