// Animal-10N (Song et al., "SELFIE: Refurbishing Unclean Samples for Robust Deep Learning", ICML
// 2019): ten kinds of animal; about 8 % of the training labels are human mistakes.
#pragma once

#include <filesystem>

#include "data/sets/image_list.hpp"

namespace bptplr {

/// Reads Animal-10N from `folder` in either of its published forms.
///
/// Images (raw_image.zip): the folders training/ and testing/ of JPEGs whose names begin with the
/// label, a digit, as in 0_img_123.jpg; in `folder`, raw_image, raw_image_ver or
/// raw_image_ver/raw_image. They are read in the order of their names. Images that somebody has
/// sorted into folders (list_folder) called 0 to 9, or cat, lynx, ..., are taken too.
///
/// Binary: data_batch_1.bin, data_batch_2.bin, ... and test_batch.bin, of records of 4 + 4 + 64 *
/// 64 * 3 bytes: number and label of the image, both most significant byte first, then the planes
/// of red, green and blue, row by row. They are read in the order of the records.
///
/// True labels are unknown in the training set; the test set's are correct. Throws Error naming the
/// folder or file when neither form is there, and for damaged files.
Dataset load_animal10n(const std::filesystem::path& folder, const ImageSetOptions& options);

/// Returns whether `folder` holds the images rather than the binary form.
bool has_animal10n_images(const std::filesystem::path& folder);
ImageList list_animal10n(const std::filesystem::path& folder);

}  // namespace bptplr
