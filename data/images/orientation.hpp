// How a camera was held: the orientation tag of EXIF in JPEG, PNG and WebP files.
#pragma once

#include <string_view>

#include "data/images/image.hpp"

namespace bptplr {

/// Returns the orientation, 1 to 8 (tag 0x0112, "Exchangeable image file format" 2.32, 4.6.4); 1,
/// as stored, where the file has no valid tag.
int orientation_of(std::string_view bytes);

/// Returns the picture turned and mirrored as its orientation says, as exif_transpose of Pillow
/// does.
Image upright(const Image& image, int orientation);
/// Passes on the rows of upright(image, orientation), without a second picture in memory.
void pass_upright(const Image& image, int orientation, RowSink& sink);

}  // namespace bptplr
