#include "engine/io/torch/pickle.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return bptplr::parse([&] {
    const bptplr::Pickle pickle(std::string(reinterpret_cast<const char*>(data), size), "fuzzed");
    pickle.root().find("labels");
  });
}
