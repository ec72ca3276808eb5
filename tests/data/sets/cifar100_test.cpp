#include "data/sets/cifar100.hpp"

#include "engine/error.hpp"
#include "tests/data/sets/cifar10_files.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

std::string error_of(const fs::path& folder) {
  return message_of([&] { load_cifar100(folder); });
}

class Cifar100Layouts : public ::testing::TestWithParam<bool> {
 protected:
  Cifar100Layouts()
      : folder_(temporary_.path() / (GetParam() ? "cifar-100-binary" : "cifar-100-python")) {
    write_file("train", 0);
    write_file("test", 1);
  }
  fs::path file(const std::string& name) const {
    return folder_ / (GetParam() ? name + ".bin" : name);
  }
  void write_file(const std::string& name, int batch) const {
    write(file(name), GetParam() ? binary_batch(batch, 2) : python_batch(batch, "fine_labels"));
  }

  TemporaryFolder temporary_;
  fs::path folder_;
};

TEST_P(Cifar100Layouts, FineLabelsAndImagesAreRead) {
  for (const fs::path& folder : {folder_, temporary_.path()}) {
    const Dataset data = load_cifar100(folder);
    EXPECT_EQ(data.num_classes(), 100);
    EXPECT_EQ(data.class_names.front(), "apple");
    EXPECT_EQ(data.class_names.back(), "worm");
    for (int b = 0; b < 2; ++b) {
      const Split& split = b == 0 ? data.train : data.test;
      ASSERT_EQ(split.images.count, kBatchImages);
      for (int i = 0; i < kBatchImages; ++i) {
        EXPECT_EQ(split.labels[static_cast<std::size_t>(i)], test_label(b, i));
        EXPECT_EQ(split.images.image(i)[1], static_cast<std::uint8_t>(test_planes(b, i)[1024]));
      }
    }
  }
}

TEST_P(Cifar100Layouts, DamageIsAnErrorNamingTheFile) {
  const std::string whole = slurp(file("test"));
  write(file("test"), whole.substr(0, whole.size() - 5));
  EXPECT_NE(error_of(folder_).find(file("test").string()), std::string::npos) << error_of(folder_);
  fs::remove(file("test"));
  EXPECT_NE(error_of(folder_).find(file("test").string()), std::string::npos) << error_of(folder_);
  fs::remove(file("train"));
  EXPECT_NE(error_of(folder_).find("no CIFAR-100 here"), std::string::npos) << error_of(folder_);
}

INSTANTIATE_TEST_SUITE_P(, Cifar100Layouts, ::testing::Values(true, false),
                         [](const auto& p) { return p.param ? "Binary" : "Python"; });

TEST(Cifar100, LabelsOutsideAreNamed) {
  const TemporaryFolder folder;
  std::string bytes = binary_batch(0, 2);
  bytes[1] = 100;
  write(folder.path() / "train.bin", bytes);
  EXPECT_NE(error_of(folder.path()).find("image 0 has label 100"), std::string::npos);
}

TEST(Cifar100, GenuineFilesCutShortAreErrorsNamingThem) {
  const fs::path genuine =
      fs::path(BPTPLR_SHARED_DIR) / "data" / "genuine-prefix" / "cifar-100-python";
  if (!fs::exists(genuine)) GTEST_SKIP() << genuine << " is not here";
  EXPECT_NE(error_of(genuine).find((genuine / "train").string()), std::string::npos);
}

}  // namespace
}  // namespace bptplr
