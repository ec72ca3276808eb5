// Formats of image files, told apart by their first bytes as names may be wrong.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "data/images/image.hpp"

namespace bptplr {

/// A format that is read.
struct ImageFormat {
  std::string_view name;
  bool (*is)(std::string_view bytes);
  /// Decodes into the sink; returns what is wrong, or "" (data/images/codecs.hpp).
  std::string (*decode)(std::string_view bytes, RowSink& sink);
};

/// Returns the format of a file that is read; null for others.
const ImageFormat* format_of(std::string_view bytes);

/// Returns what a file is that is not read, with what to do about it: "a GIF picture, ...".
std::string unread_kind(std::string_view bytes);

/// Returns whether a name ends as the name of a picture that is read, in upper or lower case: .jpg,
/// .jpeg, .jpe, .jfif, .png, .webp, .bmp or .dib.
bool has_image_name(const std::filesystem::path& path);

/// Names those endings in sentences.
inline constexpr const char* kImageEndings = ".jpg, .png, .webp or .bmp";

}  // namespace bptplr
