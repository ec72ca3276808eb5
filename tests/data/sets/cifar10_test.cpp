#include "data/sets/cifar10.hpp"

#include <omp.h>

#include "engine/error.hpp"
#include "tests/data/sets/cifar10_files.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

std::string error_of(const fs::path& folder) {
  return message_of([&] { load_cifar10(folder); });
}

void expect_error(const fs::path& folder, const std::string& file, const std::string& what) {
  const std::string message = error_of(folder);
  EXPECT_NE(message.find(file), std::string::npos) << message;
  EXPECT_NE(message.find(what), std::string::npos) << message;
}

class Cifar10Layouts : public ::testing::TestWithParam<bool> {
 protected:
  Cifar10Layouts()
      : folder_(temporary_.path() / (binary() ? "cifar-10-batches-bin" : "cifar-10-batches-py")) {
    write_cifar10(folder_, binary());
  }
  static bool binary() { return GetParam(); }
  fs::path file(const std::string& batch) const {
    return folder_ / (binary() ? batch + ".bin" : batch);
  }

  TemporaryFolder temporary_;
  fs::path folder_;
};

TEST_P(Cifar10Layouts, AreReadFromTheFolderOrItsParent) {
  for (const fs::path& folder : {folder_, temporary_.path()}) {
    const Dataset data = load_cifar10(folder);
    EXPECT_EQ(data.num_classes(), 10);
    ASSERT_EQ(data.train.images.count, 5 * kBatchImages);
    ASSERT_EQ(data.test.images.count, kBatchImages);
    for (int b = 0; b < 6; ++b) {
      const Split& split = b < 5 ? data.train : data.test;
      for (int i = 0; i < kBatchImages; ++i) {
        const int at = b < 5 ? b * kBatchImages + i : i;
        EXPECT_EQ(split.labels[static_cast<std::size_t>(at)], test_label(b, i));
        const std::string planes = test_planes(b, i);
        const std::uint8_t* image = split.images.image(at);
        for (std::size_t p = 0; p < 1024; ++p) {
          for (std::size_t c = 0; c < 3; ++c) {
            ASSERT_EQ(image[3 * p + c], static_cast<std::uint8_t>(planes[1024 * c + p]));
          }
        }
      }
    }
  }
}

TEST_P(Cifar10Layouts, MissingFilesAreNamed) {
  fs::remove(file("data_batch_4"));
  expect_error(folder_, file("data_batch_4").string(), "");
  fs::create_directory(file("data_batch_4"));
  expect_error(folder_, file("data_batch_4").string(), "");
  fs::remove(file("data_batch_1"));
  expect_error(temporary_.path(), temporary_.path().string(), "no CIFAR-10 here");
  expect_error(temporary_.path() / "nowhere", "nowhere", "no CIFAR-10 here");
}

TEST_P(Cifar10Layouts, TruncationAnywhereIsAnError) {
  const std::string whole = slurp(file("data_batch_2"));
  for (std::size_t size = 0; size < whole.size();
       size += size < 400 || size + 200 > whole.size() ? 1 : 487) {
    write(file("data_batch_2"), whole.substr(0, size));
    ASSERT_NE(error_of(folder_), "") << size << " bytes";
  }
  // Whole records less: only the other batches tell.
  if (binary()) {
    write(file("data_batch_2"), whole.substr(0, 3073));
    expect_error(folder_, "data_batch_2", "1 images");
  }
}

TEST_P(Cifar10Layouts, ADamagedByteIsHarmlessOrAnError) {
  const std::string whole = slurp(file("test_batch"));
  Philox random(7, Purpose::kTest);
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);  // files this small are read before a second thread wakes up
  for (int trial = 0; trial < 1000; ++trial) {
    std::string damaged = whole;
    // Every other one in the structure around the pixels, where the Python layout can break.
    const auto n = static_cast<std::uint32_t>(whole.size());
    const std::uint32_t near_edge =
        random.below(2) == 0 ? random.below(300) : n - 1 - random.below(120);
    const std::uint32_t at = trial % 2 == 0 ? near_edge : random.below(n);
    damaged[at] = static_cast<char>(random.next());
    write(file("test_batch"), damaged);
    try {
      const Dataset data = load_cifar10(folder_);
      ASSERT_EQ(data.test.images.count, kBatchImages);
      for (const std::int64_t label : data.test.labels) ASSERT_TRUE(label >= 0 && label < 10);
    } catch (const Error& error) {
      ASSERT_NE(std::string(error.what()).find("test_batch"), std::string::npos) << error.what();
    }
  }
  omp_set_num_threads(threads);
}

INSTANTIATE_TEST_SUITE_P(, Cifar10Layouts, ::testing::Values(true, false),
                         [](const auto& p) { return p.param ? "Binary" : "Python"; });

TEST(Cifar10, LabelsOutsideAreNamed) {
  const TemporaryFolder folder;
  write_cifar10(folder.path(), /*binary=*/true);
  std::string bytes = binary_batch(2);
  bytes[3073] = 10;
  write(folder.path() / "data_batch_3.bin", bytes);
  expect_error(folder.path(), "data_batch_3.bin", "image 1 has label 10");
}

TEST(Cifar10, PythonLabelsMustBeOneForEachImage) {
  const TemporaryFolder folder;
  write_cifar10(folder.path(), /*binary=*/false);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string bytes = python_batch(5);
    bytes.replace(bytes.find(from), from.size(), to);
    write(folder.path() / "test_batch", bytes);
  };
  const std::string labels{"K\x05K\x06", 4};
  with(labels, labels + "K\x01");
  expect_error(folder.path(), "test_batch", "\"data\" is not a uint8 array of 5 x 3072");
  with(labels, "NK\x06");
  expect_error(folder.path(), "test_batch", "label of image 0 is not an integer");
  with(labels, "K\x05K\x0b");
  expect_error(folder.path(), "test_batch", "image 1 has label 11");
  with("u1", "i1");
  expect_error(folder.path(), "test_batch", "uint8");
  with("labels", "fables");
  expect_error(folder.path(), "test_batch", "no entries \"labels\"");
}

TEST(Cifar10, GenuineFilesCutShortAreErrorsNamingThem) {
  const fs::path genuine =
      fs::path(BPTPLR_SHARED_DIR) / "data" / "genuine-prefix" / "cifar-10-batches-py";
  if (!fs::exists(genuine)) GTEST_SKIP() << genuine << " is not here";
  expect_error(genuine, "data_batch_", "");
}

}  // namespace
}  // namespace bptplr
