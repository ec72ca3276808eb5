#include "engine/io/array_file.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/npy.hpp"
#include "engine/io/zip.hpp"

namespace bptplr {
namespace {

/// Returns the array of a .npy file or of an entry of a .npz file, told as `file` in errors.
StoredTensor array_of_npy(std::string name, std::string_view bytes, const std::string& file) {
  NpyArray array = parse_npy(bytes, file);
  const bool is_known = array.type.starts_with('<') || array.type.starts_with('|');
  const FileElements* type = is_known ? numpy_elements(array.type.substr(1)) : nullptr;
  require(type != nullptr,
          "{}: an array of type '{}', which is not read; save it as float16, float32 or int64",
          file, array.type.substr(0, 20));
  require(!array.fortran || array.shape.size() < 2,
          "{}: an array in column-major order; save numpy.ascontiguousarray of it", file);
  std::uint64_t count = 1;
  bool fits = true;
  for (const std::int64_t side : array.shape) {
    fits = fits && side >= 0 &&
           !__builtin_mul_overflow(count, static_cast<std::uint64_t>(side), &count);
  }
  require(fits && count <= array.data.size() && count * type->bytes == array.data.size(),
          "{}: its header does not match its bytes; fetch it again", file);
  return {std::move(name), type, std::move(array.shape), array.data};
}

std::vector<StoredTensor> arrays_of_npz(std::string_view bytes, const std::string& file) {
  ZipArchive archive(bytes, file);
  std::vector<StoredTensor> arrays;
  for (const auto& [entry, about] : archive.entries()) {
    if (!entry.ends_with(".npy")) continue;
    require(about.stored, "{}: '{}' is compressed; save it with numpy.savez, or as .npy", file,
            entry);
    std::string name = entry.substr(0, entry.size() - std::string_view(".npy").size());
    arrays.push_back(
        array_of_npy(name, archive.read(entry), fmt::format("{}, array '{}'", file, name)));
  }
  return arrays;
}

}  // namespace

const StoredTensor* ArrayFile::find(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    const auto found = std::ranges::find(arrays, name, &StoredTensor::name);
    if (found != arrays.end()) return &*found;
  }
  return nullptr;
}

ArrayFile open_arrays(const std::filesystem::path& path) {
  const std::string name = path.string();
  ArrayFile opened{MappedFile::open(path), {}};
  require(opened.file != nullptr, "{} is missing or empty; check the path", name);
  const auto raw = opened.file->bytes();
  const std::string_view bytes(reinterpret_cast<const char*>(raw.data()), raw.size());
  if (is_npy(bytes)) {
    opened.arrays.push_back(array_of_npy("", bytes, name));
  } else if (bytes.starts_with("PK")) {
    opened.arrays = arrays_of_npz(bytes, name);
  } else {
    require(bytes.size() > 8 && bytes[8] == '{',
            "{} is no .npy, .npz or safetensors file; save the array with numpy.save", name);
    opened.arrays = stored_tensors(bytes, name);
  }
  require(!opened.arrays.empty(), "{} holds no array", name);
  return opened;
}

}  // namespace bptplr
