// Fuzzes lists of labels in JSON, text, .npy, .pt and pickles.
#include "data/noise/human_labels.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = bptplr::fuzz_folder().write("labels", data, size);
  return bptplr::parse([&] {
    bptplr::read_human_labels(file, bptplr::HumanSet::kWorse, 10, std::vector<std::int64_t>(12));
  });
}
