#include <vector>

#include "data/image_file.hpp"
#include "data/resize.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return bptplr::parse([&] {
    const bptplr::Image image =
        bptplr::decode_image({reinterpret_cast<const char*>(data), size}, "fuzzed");
    constexpr std::size_t kSide = 13;
    std::vector<std::uint8_t> pixels(kSide * kSide * 3);
    bptplr::resize_and_crop(image, kSide, pixels.data());
  });
}
