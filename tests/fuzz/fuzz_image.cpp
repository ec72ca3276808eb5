#include <string_view>
#include <vector>

#include "data/images/image_file.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return bptplr::parse([&] {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    constexpr std::size_t kSide = 13;
    std::vector<std::uint8_t> pixels(kSide * kSide * 3);
    bptplr::decode_resized(bytes, "fuzzed", kSide, true, pixels.data());
  });
}
