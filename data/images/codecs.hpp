// The two formats behind image_file.hpp. Errors that the libraries report come back by longjmp, so
// whatever must be destroyed lives outside of the functions that call them.
#pragma once

#include <string>
#include <string_view>

#include "data/images/image.hpp"

namespace bptplr {

/// Give the picture to `sink`, top row first, and return what is wrong with it, for the sentence
/// "FILE: REASON; ..."; empty: nothing. Then all rows have been given.
std::string decode_jpeg(std::string_view bytes, RowSink& sink);
std::string decode_png(std::string_view bytes, RowSink& sink);
/// The bytes of a PNG file.
std::string encode_png(const Image& image);

/// Why a picture of this size is refused; empty: it is not.
std::string size_problem(std::int64_t height, std::int64_t width);

}  // namespace bptplr
