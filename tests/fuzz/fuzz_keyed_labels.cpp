// Fuzzes labels that are told by the paths of images, in JSON and CSV.
#include "data/noise/keyed_labels.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bptplr::Dataset dataset = [] {
    bptplr::Dataset made;
    made.root = "/set";
    made.class_names = {"cat", "dog"};
    made.train.files = {"/set/cat/1.jpg", "/set/cat/2.jpg", "/set/dog/1.jpg"};
    made.train.labels = {0, 0, 1};
    return made;
  }();
  const auto file = bptplr::fuzz_folder().write("labels", data, size);
  return bptplr::parse([&] {
    if (const auto keyed = bptplr::read_keyed_labels(file)) {
      bptplr::labels_by_path(*keyed, "fuzzed", dataset, dataset.train);
    }
  });
}
