#include "data/images/batch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "data/images/resize.hpp"
#include "data/sets/image_folder.hpp"
#include "engine/error.hpp"
#include "tests/data/sets/cifar10_files.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

TEST(ImageBatch, HoldsWhatIsReadableInOrder) {
  const TemporaryFolder folder;
  constexpr int kSide = 12;
  std::vector<fs::path> files;
  std::vector<std::int64_t> readable;
  for (int i = 0; i < 40; ++i) {
    files.push_back(folder.path() / (std::to_string(i) + ".jpg"));
    if (i % 7 == 3) {
      write_text_file(files.back(), "no picture");
    } else {
      write_jpeg(files.back(), class_picture(i % 4, i));
      readable.push_back(i);
    }
  }
  files[0] = folder.path() / "nowhere.jpg";
  readable.erase(readable.begin());
  const ImageBatch batch = read_image_batch(files, kSide, false);
  EXPECT_EQ(batch.kept, readable);
  ASSERT_EQ(batch.images.count, std::ssize(readable));
  ASSERT_EQ(batch.problems.size(), 7U);
  EXPECT_NE(batch.problems[0].find("nowhere.jpg"), std::string::npos);
  EXPECT_NE(batch.problems[1].find("3.jpg: neither"), std::string::npos);
  std::vector<std::uint8_t> expected(std::size_t{kSide} * kSide * 3);
  for (std::int64_t i = 0; i < batch.images.count; ++i) {
    const auto file = static_cast<std::size_t>(readable[static_cast<std::size_t>(i)]);
    resize_and_crop(read_image(files[file]), kSide, expected.data());
    EXPECT_EQ(std::memcmp(expected.data(), batch.images.image(i), expected.size()), 0) << file;
  }
}

TEST(ImageBatch, MayHoldNothing) {
  const TemporaryFolder folder;
  const std::vector<fs::path> missing{folder.path() / "nowhere.png"};
  EXPECT_EQ(read_image_batch(missing, 8, false).images.count, 0);
  EXPECT_EQ(read_image_batch({}, 8, false).images.count, 0);
}

}  // namespace
}  // namespace bptplr
