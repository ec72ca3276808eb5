// Codecs for image_file.hpp. The libraries for JPEG and PNG report errors by longjmp, so objects
// with destructors live outside the functions that call them.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "data/images/image.hpp"

namespace bptplr {

/// Decode a picture into `sink`, top row first. Return the reason for the error sentence "FILE:
/// REASON; ...", or "" if all rows have been passed on.
std::string decode_jpeg(std::string_view bytes, RowSink& sink);
std::string decode_png(std::string_view bytes, RowSink& sink);
std::string decode_webp(std::string_view bytes, RowSink& sink);
std::string decode_bmp(std::string_view bytes, RowSink& sink);
/// Returns the bytes of a PNG file.
std::string encode_png(const Image& image);

/// Returns why a picture of this size is refused, or "" if it is not.
std::string size_problem(std::int64_t height, std::int64_t width);

}  // namespace bptplr
