#include "engine/io/torch/pth.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return bptplr::parse(
      [&] { bptplr::parse_pth(std::string(reinterpret_cast<const char*>(data), size), "fuzzed"); });
}
