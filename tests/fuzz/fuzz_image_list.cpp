// Fuzzes lists of images: the first byte selects a CSV manifest or a list of Clothing1M.
#include "data/sets/clothing1m.hpp"
#include "data/sets/image_manifest.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace {

constexpr const char* kLists[] = {"list.csv", "noisy_train_key_list.txt", "noisy_label_kv.txt",
                                  "clean_label_kv.txt", "clean_test_key_list.txt"};

void write(const char* name, std::string_view text) {
  bptplr::fuzz_folder().write(name, reinterpret_cast<const std::uint8_t*>(text.data()),
                              text.size());
}

/// Writes small valid lists, of which the fuzzed one replaces one.
void write_valid_lists() {
  write(kLists[1], "images/0/0.jpg\nimages/0/1.jpg\n");
  write(kLists[2], "images/0/0.jpg 3\nimages/0/1.jpg 13\n");
  write(kLists[3], "images/0/2.jpg 0\nimages/0/0.jpg 4\n");
  write(kLists[4], "images/0/2.jpg\n");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  write_valid_lists();
  const auto list = data[0] % std::size(kLists);
  const auto file = bptplr::fuzz_folder().write(kLists[list], data + 1, size - 1);
  return bptplr::parse([&] {
    list == 0 ? bptplr::list_manifest(file) : bptplr::list_clothing1m(file.parent_path());
  });
}
