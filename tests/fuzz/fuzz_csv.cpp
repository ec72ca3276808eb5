#include "data/csv.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return bptplr::parse([&] {
    bptplr::parse_csv({reinterpret_cast<const char*>(data), size}, "fuzzed");
  });
}
