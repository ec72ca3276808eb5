// Features of the images of a data set, in the form that --dataset features reads.
#pragma once

#include <cstdint>
#include <filesystem>

#include "bpt_plr/run/embedder.hpp"
#include "data/images/on_bad_image.hpp"
#include "data/load_report.hpp"

namespace bptplr {

struct FeatureTable {
  std::filesystem::path labels;  ///< table of paths, labels, true labels and splits
  std::int64_t rows = 0;
  std::int64_t left_out = 0;  ///< unreadable image files
};

/// Returns the number of images that `data`, a folder or a manifest, lists.
std::int64_t count_images(const std::filesystem::path& data);

/// Writes the table of these images without computing features: which row is which image, where
/// features of them come from elsewhere. Returns their number. Throws Error.
std::int64_t write_label_table(const std::filesystem::path& data,
                               const std::filesystem::path& table);

/// Computes the features of all images that `data`, a folder or a manifest, lists, in batches, and
/// writes them to `out`, a .npy file, with a table of the same name beside it. Work that was
/// stopped goes on. Throws Error for an unreadable image unless `on_bad_image` leaves it out, and
/// where nothing can be written.
FeatureTable write_features(const Embedder& embedder, const std::filesystem::path& data,
                            const std::filesystem::path& out, OnBadImage on_bad_image,
                            const LoadReport& report);

}  // namespace bptplr
