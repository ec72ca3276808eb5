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

/// Returns why a picture that takes `bytes_per_pixel` of memory beside the rows in flight is
/// refused for a file of this size, or "" if it is not (kHeldPicture in engine/io/budget.hpp).
std::string memory_problem(std::int64_t height, std::int64_t width, double bytes_per_pixel,
                           std::size_t file_bytes);

/// Returns how often a file of this size may pass over its picture, at least once
/// (kWorkedPicture).
std::int64_t most_passes(std::int64_t height, std::int64_t width, std::size_t file_bytes);

}  // namespace bptplr
