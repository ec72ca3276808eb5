// Pictures from and to files: JPEG (libjpeg-turbo) and PNG (libpng), as Pillow's convert("RGB")
// gives them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "data/images/image.hpp"

namespace bptplr {

/// The picture that `bytes` hold; what they are is told by how they begin, not by a name. `name` is
/// the file's name in errors. Grey, palette and CMYK pictures become RGB; transparency is dropped
/// and 16-bit samples keep their upper byte. Orientation tags are not followed. Throws Error naming
/// the file for anything that is not a whole JPEG or PNG of at most kMaxImagePixels.
///
/// JPEGs are always decoded at full size. The decoder's own scaling (1/2, 1/4, 1/8 in the DCT)
/// would be faster for large photos, but even with eight times the wanted size left over it moves
/// single pixels of the resized picture by 3 grey levels, on hard black-and-white contrasts by 4.
Image decode_image(std::string_view bytes, const std::string& name);

/// The same, resized and cropped (resize.hpp) to `out` [side, side, 3] while it is decoded. What is
/// in `out` after an error has no meaning.
void decode_resized(std::string_view bytes, const std::string& name, int side, std::uint8_t* out);

/// The bytes of a file that may be a picture. Throws Error when it is missing, unreadable, no
/// regular file or too large for one.
std::string read_image_bytes(const std::filesystem::path& path);

/// The picture in a file. Throws Error as the functions above.
Image read_image(const std::filesystem::path& path);
void read_resized(const std::filesystem::path& path, int side, std::uint8_t* out);

/// Does the name end as a picture's does: .jpg, .jpeg or .png, in any case?
bool has_image_name(const std::filesystem::path& path);

/// Writes a PNG, all of it or nothing. Throws Error when the folder is not writable.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace bptplr
