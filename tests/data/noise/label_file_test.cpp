// Label files of every kind; tests/golden/make_labels.py wrote the binary ones.
#include "data/noise/label_file.hpp"

#include <gtest/gtest.h>

#include "data/noise/human_labels.hpp"
#include "data/noise/noise.hpp"
#include "engine/random.hpp"
#include "tests/data/sets/cifar10_files.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;
using Labels = std::vector<std::int64_t>;

const fs::path kFolder = fs::path(BPTPLR_GOLDEN_DIR) / "labels";
const Labels kExpected{2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3};

TEST(LabelFile, BinaryFilesOfAnyKindGiveTheSame) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().filename().string().starts_with("wrong_")) continue;
    EXPECT_EQ(message_of([&] { EXPECT_EQ(read_noise_file(entry, 12, 10), kExpected) << entry; }),
              "");
    EXPECT_EQ(count_labels(entry), 12);
    ++files;
  }
  EXPECT_EQ(files, 20);
}

TEST(LabelFile, HumanLabelsMayBeListsTensorsAndAnyInteger) {
  for (const char* file : {"dict_of_lists.npy", "dict_of_tensors.pt", "dict_of_int32.pt",
                           "dict_before_1_6.pt", "int8.npy", "tensor.pt"}) {
    EXPECT_EQ(read_human_labels(kFolder / file, HumanSet::kWorse, 10, kExpected), kExpected)
        << file;
  }
}

TEST(LabelFile, SaysWhyItIsNoneOfLabels) {
  for (const auto& [file, reason] :
       {std::pair("wrong_float.npy", "entry 0 is float32, where an integer"),
        std::pair("wrong_big_endian.npy", "an array of type '>i4'"),
        std::pair("wrong_table.npy", "an array of several dimensions"),
        std::pair("wrong_two.pt", "it has the lists \"a\", \"b\", and which is meant"),
        std::pair("wrong_big_endian.pt", "not a JSON list")}) {
    const std::string message = message_of([&] { read_noise_file(kFolder / file, 12, 10); });
    EXPECT_NE(message.find(reason), std::string::npos) << message;
    EXPECT_NE(message.find(file), std::string::npos) << message;
  }
  const std::string several = message_of(
      [&] { read_noise_file(fs::path(BPTPLR_GOLDEN_DIR) / "human/CIFAR-10_human.pt", 12, 10); });
  EXPECT_NE(several.find("\"worse_label\", \"random_label1\""), std::string::npos) << several;
  EXPECT_NE(several.find("--noise_mode human"), std::string::npos) << several;
}

class LabelText : public testing::Test {
 protected:
  Labels read(const std::string& text) {
    write(path(), text);
    return read_noise_file(path(), 3, 10);
  }
  std::string error(const std::string& text) {
    return message_of([&] { read(text); });
  }
  fs::path path() const { return folder_.path() / "labels"; }

  const Labels expected_{3, 1, 2};

 private:
  TemporaryFolder folder_;
};

TEST_F(LabelText, HasALabelOnEachLine) {
  for (const char* text :
       {"3\n1\n2\n", "3\n1\n2", "label\n3\n1\n2\n", "\xef\xbb\xbflabel\r\n3\r\n1\r\n2\r\n",
        "3 \n\n 1\n2\n\n", "\"label\"\n\"3\"\n\"1\"\n\"2\"\n"}) {
    EXPECT_EQ(read(text), expected_) << text;
  }
}

TEST_F(LabelText, MayBeAJsonDict) {
  for (const char* text :
       {R"({"worse_label": [3, 1, 2]})", R"({"clean_label": [0, 1, 2], "worse_label": [3, 1, 2]})",
        R"({"0": 3, "2": 2, "1": 1})", R"({"seed": 1, "classes": ["a", "b"], "labels": [3, 1, 2]})",
        " [3, 1, 2]"}) {
    EXPECT_EQ(read(text), expected_) << text;
  }
}

TEST_F(LabelText, SaysWhatIsWrongAndWhere) {
  for (const auto& [text, reason] :
       {std::pair("3\n1\ncat\n", "line 3 is no integer"), std::pair("3\n1\n2.5\n", "line 3"),
        std::pair("label,true\n3,1\n", "not a JSON list"), std::pair("a\nb\nc\n", "text with"),
        std::pair("3\n1\n10\n", "entry 2 is 10, where an integer from 0 to 9 is expected"),
        std::pair("3\n1\n", "2 labels for 3 training images"),
        std::pair(R"({"a": [3, 1, 2], "b": [3, 1, 2]})", "it has the lists \"a\", \"b\""),
        std::pair(R"({"a": [3, 1]})", "\"a\": 2 labels for 3"),
        std::pair(R"({"0": 3, "1": 1, "3": 2})", "not a JSON list"),
        std::pair("\x80\x04)\x80", "labels: not a readable pickle")}) {
    EXPECT_NE(error(text).find(reason), std::string::npos) << text << ": " << error(text);
  }
}

TEST_F(LabelText, ManyReferencesToOneListAreRefused) {
  using namespace std::string_literals;
  std::string bytes = "\x80\x02](";
  for (int i = 0; i < 1000; ++i) bytes += "K\x01"s;
  bytes += "eq\x01}(";
  for (int i = 0; i < 1000; ++i) bytes += "U\x01xh\x01"s;
  EXPECT_NE(error(bytes + "u.").find("the same labels many times"), std::string::npos);
}

TEST_F(LabelText, DamageToBinaryFilesNeverCrashes) {
  Philox random(7, Purpose::kTest);
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    const std::string whole = slurp(entry.path());
    for (int trial = 0; trial < 300; ++trial) {
      std::string damaged =
          whole.substr(0, 1 + random.below(2 * static_cast<std::uint32_t>(whole.size())));
      for (std::uint32_t i = 0; i < random.below(4); ++i) {
        damaged[random.below(static_cast<std::uint32_t>(damaged.size()))] =
            static_cast<char>(random.next());
      }
      error(damaged);
    }
  }
}

}  // namespace
}  // namespace bptplr
