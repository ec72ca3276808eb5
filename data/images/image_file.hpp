// Reads pictures (JPEG, PNG, WebP, BMP) with the pixels of convert("RGB") in Pillow; writes PNG.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "data/images/image.hpp"

namespace bptplr {

/// Decodes a picture; its format is detected from its first bytes. `name` is the file's name in
/// errors. Grey, palette and CMYK pictures become RGB; transparency is dropped and 16-bit samples
/// keep their upper byte. With `exif` the picture is turned upright (orientation.hpp). Throws Error
/// naming the file for anything that is not a complete picture of at most kMaxImagePixels, and says
/// what it is; also for a file that would take far more memory or passes over its pixels than its
/// size deserves (engine/io/budget.hpp).
///
/// JPEGs are always decoded at full size. The decoder's own scaling (1/2, 1/4, 1/8 in the DCT)
/// would be faster for large photos, but even with eight times the target size left over it changes
/// single pixels of the resized picture by 3 grey levels, on hard black-and-white contrasts by 4.
Image decode_image(std::string_view bytes, const std::string& name, bool exif = false);

/// Decodes a picture as it is stored (see decode_image) row by row.
void decode_rows(std::string_view bytes, const std::string& name, RowSink& sink);

/// Decodes a picture (see decode_image) while resizing and cropping it (resize.hpp) into `out`
/// [side, side, 3], whose content is undefined after an error.
void decode_resized(std::string_view bytes, const std::string& name, int side, bool exif,
                    std::uint8_t* out);

/// Reads a file that may be a picture. Throws Error when it is missing, unreadable, not a regular
/// file or too large.
std::string read_image_bytes(const std::filesystem::path& path);

/// Reads and decodes a picture. Throws Error as read_image_bytes and decode_image do.
Image read_image(const std::filesystem::path& path);
void read_resized(const std::filesystem::path& path, int side, bool exif, std::uint8_t* out);

/// Writes a PNG, all or nothing. Throws Error when the folder is not writable.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace bptplr
