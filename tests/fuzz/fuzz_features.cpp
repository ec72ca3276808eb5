// Fuzzes files of features: .npy, .npz and safetensors, with labels beside them.
#include "data/sets/features.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = bptplr::fuzz_folder().write("x.npy", data, size);
  const std::string_view labels = "[0, 1, 1]";
  const auto beside = bptplr::fuzz_folder().write(
      "y.json", reinterpret_cast<const std::uint8_t*>(labels.data()), labels.size());
  for (const auto& named : {std::filesystem::path(), beside}) {
    bptplr::parse([&] {
      const bptplr::Dataset dataset = bptplr::load_features({file, named, {}, {}}, {}, {});
      if (dataset.train.size() != std::ssize(dataset.train.labels)) __builtin_trap();
    });
  }
  return 0;
}
