// Reads the headers of .npy files, as numpy.save writes them; the elements stay where they are.
#pragma once

#include <string>
#include <string_view>

#include "engine/tensor.hpp"

namespace bptplr {

/// Array in a .npy file.
struct NpyArray {
  std::string_view type;  ///< e.g. "<f4", or "|O" where `data` is a pickle of objects
  bool fortran = false;   ///< whether the first axis varies fastest
  Shape shape;            ///< a side that is no number is -1
  std::string_view data;
};

/// Returns whether bytes begin as a .npy file does.
bool is_npy(std::string_view bytes);

/// Reads the header of a file, whose name in errors is `file`. Throws Error for one that is cut
/// short. Neither type nor shape is checked against the data.
NpyArray parse_npy(std::string_view bytes, const std::string& file);

}  // namespace bptplr
