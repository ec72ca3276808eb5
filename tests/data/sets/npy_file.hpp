// Files of arrays as NumPy writes them, for tests.
#pragma once

#include <string>
#include <vector>

namespace bptplr {

/// Returns the bytes of a .npy file as numpy.save writes it.
inline std::string npy(const std::string& type, const std::string& shape, const std::string& data,
                       const char* order = "False") {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }";
  header.resize((header.size() + 10) / 64 * 64 + 64 - 11, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xffU);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + data;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace bptplr
