#include "data/sets/arrays.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/io/file.hpp"
#include "tests/data/sets/npy_file.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

class Arrays : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& bytes) const {
    write_file_atomically(folder_ / name, bytes);
    return folder_ / name;
  }
  /// Writes images of 2 x 4 pixels whose values count up.
  std::string write_images(const std::string& name, int count) const {
    std::vector<std::uint8_t> values(static_cast<std::size_t>(count) * 24);
    std::iota(values.begin(), values.end(), std::uint8_t{0});
    return write(name, npy("|u1", std::to_string(count) + ", 2, 4, 3", bytes_of(values)));
  }
  Dataset load(const SampleFiles& files, double test_split = 0.0) const {
    return load_arrays(files, {test_split, 1}, {});
  }
  std::string refusal(const std::string& bytes) const {
    const std::string x = write("bad.npy", bytes);
    const std::string y = write("y.json", "[0, 1]");
    return message_of([&] { load({x, y, {}, {}}); });
  }

  TemporaryFolder folder_;
};

TEST_F(Arrays, ImagesAreMappedAndNormalisedByTheirChannels) {
  const Dataset data = load({write_images("x.npy", 3), write("y.json", "[1, 0, 2]"), {}, {}});
  EXPECT_EQ(data.name, "arrays");
  ASSERT_EQ(data.train.size(), 3);
  EXPECT_FALSE(data.train.has_vectors());
  EXPECT_TRUE(data.train.images.on_disk);
  EXPECT_EQ(data.train.images.height, 2);
  EXPECT_EQ(data.train.images.width, 4);
  EXPECT_EQ(data.train.images.image(1)[0], 24);
  EXPECT_EQ(data.train.true_labels, (std::vector<std::int64_t>{-1, -1, -1})) << "unknown";
  EXPECT_EQ(data.test.size(), 0);
  // Channel c has the values c, c + 3, ..., c + 69.
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = static_cast<double>(c) + 34.5;
    EXPECT_NEAR(data.mean[c], mean / 255.0, 1e-6);
    EXPECT_NEAR(data.std[c], 3.0 * std::sqrt((24.0 * 24.0 - 1.0) / 12.0) / 255.0, 1e-6);
  }
}

TEST_F(Arrays, ClassesHaveTheNamesBesideTheFile) {
  const std::string x = write_images("x.npy", 3);
  write("x_labels.json", "[1, 0, 1]");
  write("x_classes.txt", "bird\ncat\nant\n");
  const Dataset data = load({x, {}, {}, {}});
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"bird", "cat", "ant"}));
  EXPECT_EQ(data.train.labels, (std::vector<std::int64_t>{1, 0, 1}));
  write("x_classes.txt", "bird\n");
  EXPECT_NE(message_of([&] { load({x, {}, {}, {}}); }).find("1 names"), std::string::npos);
  write("x_classes.txt", "bird\nbird\n");
  EXPECT_NE(message_of([&] { load({x, {}, {}, {}}); }).find("twice"), std::string::npos);
}

TEST_F(Arrays, TestImagesComeFromAFileOrASplit) {
  const std::string x = write_images("x.npy", 8);
  const std::string y = write("y.json", "[0, 1, 0, 1, 0, 1, 0, 1]");
  const std::string z = write("z.json", "[1, 0]");
  const Dataset data = load({x, y, write_images("t.npy", 2), z});
  EXPECT_EQ(data.test.labels, (std::vector<std::int64_t>{1, 0}));
  EXPECT_TRUE(data.test.true_labels.empty()) << "labels to test on are true";
  const Dataset split = load({x, y, {}, {}}, 0.25);
  EXPECT_EQ(split.train.size(), 6);
  EXPECT_EQ(split.test.size(), 2);
  const std::string other = write("o.npy", npy("|u1", "2, 2, 2, 3", std::string(24, '\1')));
  EXPECT_NE(message_of([&] {
              load({x, y, other, z});
            }).find("make all of one size"),
            std::string::npos);
}

TEST_F(Arrays, OtherArraysAreRefusedWithWhatToDo) {
  EXPECT_NE(refusal(npy("|u1", "2, 3, 4, 5", std::string(120, 'x'))).find("transpose(0, 2, 3, 1)"),
            std::string::npos);
  EXPECT_NE(refusal(npy("<f4", "2, 1, 1, 3", std::string(24, 'x'))).find("uint8"),
            std::string::npos);
  EXPECT_NE(refusal(npy("|u1", "2, 3", std::string(6, 'x'))).find("2 axes"), std::string::npos);
  EXPECT_NE(refusal(npy("|u1", "2, 4, 4, 1", std::string(32, 'x'))).find("3 channels"),
            std::string::npos);
  EXPECT_NE(refusal(npy("|u1", "0, 4, 4, 3", "")).find("at least one"), std::string::npos);
}

}  // namespace
}  // namespace bptplr
