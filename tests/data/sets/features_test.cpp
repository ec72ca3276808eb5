#include "data/sets/features.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/io/file.hpp"
#include "engine/io/safetensors.hpp"
#include "tests/data/sets/npy_file.hpp"
#include "tests/golden.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

std::string golden_path(const std::string& name) {
  return std::string(BPTPLR_GOLDEN_DIR) + "/features/" + name;
}

class Features : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& bytes) const {
    write_file_atomically(folder_ / name, bytes);
    return folder_ / name;
  }
  /// Writes the matrix -1, 0, 1, ... [rows, 2].
  std::string write_matrix(const std::string& name, std::int64_t rows) const {
    std::vector<float> values(static_cast<std::size_t>(2 * rows));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) - 1.0F;
    return write(name, npy("<f4", std::to_string(rows) + ", 2", bytes_of(values)));
  }
  Dataset load(const SampleFiles& files, double test_split = 0.0) const {
    return load_features(files, {test_split, 1}, {});
  }
  std::string refusal(const SampleFiles& files, double test_split = 0.0) const {
    return message_of([&] { load(files, test_split); });
  }
  static std::vector<float> row(const Split& split, std::int64_t i) {
    std::vector<float> values(static_cast<std::size_t>(split.vectors.dim));
    split.vectors.read(i, values);
    return values;
  }

  TemporaryFolder folder_;
};

TEST_F(Features, AMatrixWithAListOfLabels) {
  const std::string x = write_matrix("x.npy", 4);
  const Dataset data = load({x, write("y.json", "[1, 0, 2, 1]"), {}, {}});
  EXPECT_EQ(data.name, "features");
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(data.train.labels, (std::vector<std::int64_t>{1, 0, 2, 1}));
  EXPECT_EQ(data.train.size(), 4);
  EXPECT_EQ(data.test.size(), 0);
  EXPECT_TRUE(data.train.vectors.on_disk);
  EXPECT_EQ(row(data.train, 2), (std::vector<float>{3, 4}));
  EXPECT_EQ(data.mean, (std::vector<float>{2, 3}));
  EXPECT_EQ(data.train.hashes.size(), 4U);
}

TEST_F(Features, LabelsBesideTheMatrixTellNamesFilesTruthAndSplits) {
  const std::string x = write_matrix("x.npy", 4);
  write("x.csv",
        "path,label,true_label,split\na.png,dog,cat,train\nb.png,cat,,train\nc.png,dog,cat,test\n"
        "d.png,dog,dog,train\n");
  const Dataset data = load({x, {}, {}, {}});
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(data.train.labels, (std::vector<std::int64_t>{1, 0, 1}));
  EXPECT_EQ(data.train.true_labels, (std::vector<std::int64_t>{0, -1, 1}));
  EXPECT_EQ(data.train.files.back(), folder_ / "d.png");
  EXPECT_EQ(row(data.train, 2), (std::vector<float>{5, 6}));
  EXPECT_EQ(data.test.labels, std::vector<std::int64_t>{0}) << "the test uses true labels";
  EXPECT_EQ(row(data.test, 0), (std::vector<float>{3, 4}));
  EXPECT_EQ(data.mean, (std::vector<float>{5.0F / 3.0F, 8.0F / 3.0F})) << "of training rows";
}

TEST_F(Features, NumpysArchivesAndHalvesAreRead) {
  const Dataset data = load({golden_path("plain.npz"), {}, {}, {}});
  const Golden golden("features/about");
  const auto expected = golden["x"].span<float>();
  ASSERT_EQ(data.train.size(), 5);
  for (std::int64_t i = 0; i < 5; ++i) {
    const auto values = row(data.train, i);
    EXPECT_TRUE(std::equal(values.begin(), values.end(), expected.begin() + i * 3)) << i;
  }
  EXPECT_EQ(data.train.vectors.type, kernels::VectorType::kFloat16);
  EXPECT_EQ(data.train.labels, (std::vector<std::int64_t>{0, 1, 1, 0, 2}));
  EXPECT_EQ(data.train.true_labels, (std::vector<std::int64_t>{0, 1, 0, 0, 2}));
  EXPECT_EQ(data.test.labels, (std::vector<std::int64_t>{2, 0}));
  for (std::size_t d = 0; d < 3; ++d) {
    EXPECT_FLOAT_EQ(data.mean[d], golden["mean"].data<float>()[d]);
    EXPECT_FLOAT_EQ(data.std[d], golden["std"].data<float>()[d]);
  }
}

TEST_F(Features, SafetensorsAreReadWhereverTheirElementsBegin) {
  const Tensor x = Tensor::from(std::vector<float>{1, -2, 3, 4}, {2, 2});
  save_safetensors(
      folder_ / "x.safetensors",
      {{"features", x}, {"labels", Tensor::from(std::vector<std::int64_t>{1, 0}, {2})}});
  std::string bytes = read_file(folder_ / "x.safetensors");
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  // A header that is one byte longer: no element is aligned any more.
  bytes.insert(sizeof header + header, " ");
  ++header;
  std::memcpy(bytes.data(), &header, sizeof header);
  write("odd.safetensors", bytes);
  for (const char* name : {"x.safetensors", "odd.safetensors"}) {
    const Dataset data = load({folder_ / name, {}, {}, {}});
    EXPECT_EQ(row(data.train, 1), (std::vector<float>{3, 4})) << name;
    EXPECT_EQ(data.train.labels, (std::vector<std::int64_t>{1, 0})) << name;
  }
}

TEST_F(Features, OfAReluAreSeenByTheirSquareRoots) {
  const std::vector<float> values{0, 4, 9, 16};
  const std::string x = write("x.npy", npy("<f4", "2, 2", bytes_of(values)));
  const Dataset data = load({x, write("y.json", "[1, 0]"), {}, {}});
  EXPECT_TRUE(data.train.vectors.root);
  EXPECT_EQ(row(data.train, 1), (std::vector<float>{3, 4}));
  EXPECT_EQ(data.mean, (std::vector<float>{1.5F, 3.0F}));
}

TEST_F(Features, ATestPartMayBeAFileOrSplitOff) {
  const std::string x = write_matrix("x.npy", 10);
  const std::string y = write("y.txt", "0\n1\n0\n1\n0\n1\n0\n1\n0\n1\n");
  const Dataset files = load({x, y, write_matrix("t.npy", 2), write("ty.txt", "1\n1\n")});
  EXPECT_EQ(files.test.labels, (std::vector<std::int64_t>{1, 1}));
  EXPECT_EQ(files.train.size(), 10);
  const Dataset drawn = load({x, y, {}, {}}, 0.4);
  EXPECT_EQ(drawn.test.size(), 4);
  EXPECT_EQ(drawn.train.size(), 6);
  EXPECT_EQ(std::ranges::count(drawn.test.labels, 1), 2);
  EXPECT_NE(refusal({x, y, folder_ / "t.npy", folder_ / "ty.txt"}, 0.4).find("more than one test"),
            std::string::npos);
}

TEST_F(Features, WhatCannotBeMeantIsRefused) {
  const std::string x = write_matrix("x.npy", 3);
  const std::string y = write("y.json", "[0, 1, 0]");
  const auto says = [&](const SampleFiles& files, const std::string& part) {
    const std::string said = refusal(files);
    EXPECT_NE(said.find(part), std::string::npos) << said;
  };
  says({x, {}, {}, {}}, "has no labels: name their file with --labels");
  says({x, write("short.json", "[0, 1]"), {}, {}}, "2 labels for the 3 rows");
  says({x, write("same.json", "[0, 0, 0]"), {}, {}}, "at least two classes");
  says({x, write("minus.json", "[0, -1, 1]"), {}, {}}, "");
  says({x, write("many.json", "[0, 1, 5000]"), {}, {}}, "1024 classes at most");
  says({folder_ / "none.npy", y, {}, {}}, "is missing or empty");
  says({write("text.npy", "1,2,3\n"), y, {}, {}}, "is no .npy, .npz or safetensors file");
  says({write("d.npy", npy("<f8", "1, 2", std::string(16, '\0'))), y, {}, {}},
       "float16 or float32");
  says({write("big.npy", npy(">f4", "1, 2", std::string(8, '\0'))), y, {}, {}}, "of type '>f4'");
  says({write("f.npy", npy("<f4", "1, 2", std::string(8, '\0'), "True")), y, {}, {}},
       "column-major");
  says({write("cut.npy", npy("<f4", "9, 2", std::string(8, '\0'))), y, {}, {}},
       "does not match its bytes");
  says({write("cube.npy", npy("<f4", "1, 1, 2", std::string(8, '\0'))), y, {}, {}}, "3 axes");
  says({write("none2.npy", npy("<f4", "0, 2", "")), y, {}, {}}, "at least one row");
  says({write("wide.npy", npy("<f2", "1, 8193", std::string(2 * 8193, '\0'))), y, {}, {}},
       "1 to 8192 values");
  const float bad[] = {0.0F, 1.0F, 2.0F, HUGE_VALF, 4.0F, 5.0F};
  says({write("inf.npy", npy("<f4", "3, 2", std::string(reinterpret_cast<const char*>(bad), 24))),
        y,
        {},
        {}},
       "value 1 of row 1 is inf");
  says({x, y, write("t3.npy", npy("<f4", "1, 3", std::string(12, '\0'))), write("t.json", "[1]")},
       "3 values in a row, but");
  says({golden_path("compressed.npz"), {}, {}, {}}, "is compressed; save it with");
}

}  // namespace
}  // namespace bptplr
