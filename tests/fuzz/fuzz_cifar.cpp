// Fuzzes CIFAR files: the first byte selects data set and layout, the rest is the file of every
// batch.
#include "data/sets/cifar10.hpp"
#include "data/sets/cifar100.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace {

namespace fs = std::filesystem;

struct Layout {
  fs::path folder;
  std::string first;  ///< the other batches are links to it
};

Layout make_layout(const std::string& name, const std::vector<std::string>& batches) {
  const fs::path folder = bptplr::fuzz_folder().path() / name;
  fs::create_directories(folder);
  for (const std::string& batch : batches) {
    if (batch != batches.front()) fs::create_symlink(batches.front(), folder / batch);
  }
  return {folder, name + "/" + batches.front()};
}

const Layout& layout(bool cifar100, bool binary) {
  static const Layout layouts[] = {
      make_layout("ten_python", {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                                 "data_batch_5", "test_batch"}),
      make_layout("ten_binary", {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                 "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"}),
      make_layout("hundred_python", {"train", "test"}),
      make_layout("hundred_binary", {"train.bin", "test.bin"})};
  return layouts[(cifar100 ? 2 : 0) + (binary ? 1 : 0)];
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool cifar100 = (data[0] & 2) != 0;
  const Layout& files = layout(cifar100, (data[0] & 1) != 0);
  bptplr::fuzz_folder().write(files.first, data + 1, size - 1);
  return bptplr::parse(
      [&] { cifar100 ? bptplr::load_cifar100(files.folder) : bptplr::load_cifar10(files.folder); });
}
