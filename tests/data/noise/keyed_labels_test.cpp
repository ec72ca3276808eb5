// Labels that are told by the paths of images.
#include "data/noise/keyed_labels.hpp"

#include <gtest/gtest.h>

#include "engine/error.hpp"
#include "tests/data/sets/cifar10_files.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

using Labels = std::vector<std::int64_t>;

class KeyedLabels : public ::testing::Test {
 protected:
  KeyedLabels() {
    dataset_.root = "/data/set";
    dataset_.class_names = {"cat", "dog"};
    dataset_.train.files = {"/data/set/train/cat/1.jpg", "/data/set/train/cat/2.jpg",
                            "/data/set/train/dog/1.jpg"};
    dataset_.train.labels = {0, 0, 1};
  }

  Labels read(const std::string& text) {
    write(file_, text);
    const auto keyed = read_keyed_labels(file_);
    EXPECT_TRUE(keyed.has_value()) << text;
    return labels_by_path(*keyed, "labels", dataset_, dataset_.train);
  }
  std::string error_of(const std::string& text) {
    return message_of([&] { read(text); });
  }
  bool is_keyed(const std::string& text) {
    write(file_, text);
    return read_keyed_labels(file_).has_value();
  }

  Dataset dataset_;
  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "labels";
};

TEST_F(KeyedLabels, JsonAndCsvInAnyOrder) {
  const Labels expected{1, 0, 0};
  EXPECT_EQ(read(R"({"train/dog/1.jpg": "cat", "train/cat/1.jpg": "dog", "train/cat/2.jpg": 0})"),
            expected);
  EXPECT_EQ(read("path,label\ntrain/cat/2.jpg,0\ncat/1.jpg, dog \n/data/set/train/dog/1.jpg,cat\n"),
            expected);
  EXPECT_EQ(read("p_wrong,class,file\n0.1,cat,dog/1.jpg\n0.2,dog,./train/../train/cat/1.jpg\n"
                 "0.3,cat,2.jpg\n0.3,cat,test/9.jpg\n"),
            expected)
      << "other columns, and images of another part";
  EXPECT_EQ(read("index,label\n2,0\n0,1\n1,cat\n"), expected);
}

TEST_F(KeyedLabels, RowsThatWereLeftOutKeepTheirNumbers) {
  dataset_.train.listed = {{0, 2, 5}, 6};
  EXPECT_EQ(read("index,label\n0,1\n2,0\n5,1\n1,0\n"), (Labels{1, 0, 1}));
}

TEST_F(KeyedLabels, NumbersAreNamesWhereNamesAreNumbers) {
  dataset_.class_names = {"1", "2"};
  EXPECT_EQ(read("path,label\ncat/1.jpg,2\ncat/2.jpg,1.0\ndog/1.jpg,02\n"), (Labels{1, 0, 1}));
  EXPECT_NE(error_of("path,label\ncat/1.jpg,0\n").find("the classes are 0 1, 1 2"),
            std::string::npos);
}

TEST_F(KeyedLabels, SaysWhatIsWrongAndWhere) {
  const auto expect = [&](const std::string& text, const std::string& part) {
    EXPECT_NE(error_of(text).find(part), std::string::npos) << error_of(text);
  };
  expect("path,label\ncat/1.jpg,cat\n", "2 of the 3 training images have no label");
  expect("path,label\n1.jpg,cat\n", "line 2: '1.jpg' may be /data/set/train/");
  expect("path,label\ncat/1.jpg,cow\n", "line 2: the label of 'cat/1.jpg' is 'cow'");
  expect("path,label\ncat/1.jpg,2\n", "is '2', which is no class");
  expect("path,label\ncat/1.jpg,cat\ntrain/cat/1.jpg,dog\n",
         "line 3: 'train/cat/1.jpg' has another");
  expect("path,label\ncat/1.jpg\n", "line 2: 1 fields");
  expect(R"({"cat/1.jpg": "cat", "cat/2.jpg\u0000.png": "cat"})",
         "after 'cat/2.jpg' a path has a zero byte");
  expect(std::string("path,label\ncat/1.jpg\0,cat\n", 26), "line 2: a field has a zero byte");
  expect("a.jpg,cat\nb.jpg,dog\n", "columns path (or index) and label");
}

TEST_F(KeyedLabels, ListsAreNotTaken) {
  for (const char* text : {"[0, 1, 2]", R"({"0": 1, "1": 0})", R"({"a": [1, 2]})", "label\n0\n1\n",
                           "0\n1\n", "", "{}", "\x80\x04]"}) {
    EXPECT_FALSE(is_keyed(text)) << text;
  }
}

}  // namespace
}  // namespace bptplr
