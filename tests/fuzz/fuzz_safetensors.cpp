#include "engine/io/safetensors.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = bptplr::fuzz_folder().write("model.safetensors", data, size);
  return bptplr::parse([&] {
    bptplr::Metadata metadata;
    bptplr::load_safetensors(file, &metadata);
  });
}
