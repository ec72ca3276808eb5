// Fuzzes the file of cached images, which belongs to files of one time: the input is changes to a
// valid one, of three bytes each (two of the place, one of the value), after two of its length.
#include <fstream>
#include <iterator>

#include "data/images/cache.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace {

namespace fs = std::filesystem;

/// Uncompressed 2 x 2 pixels.
constexpr std::string_view kPicture(
    "BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0\0\0\0\0\x10\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\1\2\3\4\5\6\0\0\7\10\11\12\13\14\0\0",
    70);

bptplr::CacheRequest request() {
  const auto picture = bptplr::fuzz_folder().write(
      "a.bmp", reinterpret_cast<const std::uint8_t*>(kPicture.data()), kPicture.size());
  bptplr::CacheRequest made;
  made.files = {picture};
  made.side = 2;
  made.cache = bptplr::fuzz_folder().path() / "cache.images";
  return made;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bptplr::CacheRequest wanted = request();
  static const std::string valid = (bptplr::cached_images(wanted), bytes_of(wanted.cache));
  if (size < 2) return 0;
  std::string bytes = valid;
  bytes.resize(std::min<std::size_t>(bytes.size(), data[0] << 8 | data[1]));
  for (std::size_t i = 2; i + 3 <= size; i += 3) {
    const std::size_t at = data[i] << 8 | data[i + 1];
    if (at < bytes.size()) bytes[at] = static_cast<char>(data[i + 2]);
  }
  bptplr::fuzz_folder().write("cache.images", reinterpret_cast<const std::uint8_t*>(bytes.data()),
                              bytes.size());
  return bptplr::parse([&] {
    // A cache that is used has the pixels of the file, whatever has become of it.
    const bptplr::CachedImages images = bptplr::cached_images(wanted);
    if (images.images.count != 1 || images.images.pixels[0] != 9) __builtin_trap();
  });
}
