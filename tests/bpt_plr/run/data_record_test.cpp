// What a run remembers of its data, and what has become of it.
#include "bpt_plr/run/data_record.hpp"

#include <gtest/gtest.h>

#include "engine/error.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

using Images = std::vector<RecordedImage>;
using Places = std::vector<std::int64_t>;

const Images kThen{{"cat/0.jpg", "cat", 10}, {"cat/1.jpg", "cat", 11}, {"dog/0.jpg", "dog", 20}};

TEST(DataRecord, TheSameIsTheSame) {
  const DataMatch match = match_images(kThen, kThen);
  EXPECT_EQ(match.changes, "");
  EXPECT_EQ(match.places, (Places{0, 1, 2}));
}

TEST(DataRecord, AMovedFileIsFoundByItsPixels) {
  const Images now{{"cat/0.jpg", "cat", 10}, {"dog/0.jpg", "dog", 20}, {"dog/1.jpg", "dog", 11}};
  const DataMatch match = match_images(kThen, now);
  EXPECT_EQ(match.places, (Places{0, 2, 1}));
  EXPECT_EQ(match.moved, 1);
  EXPECT_EQ(match.lost + match.added, 0);
  EXPECT_EQ(match.changes, "1 moved (cat/1.jpg is now dog/1.jpg)");
}

TEST(DataRecord, EveryChangeIsNamed) {
  const Images now{{"cat/0.jpg", "dog", 10}, {"cat/2.jpg", "cat", 12}, {"dog/0.jpg", "dog", 21}};
  const DataMatch match = match_images(kThen, now);
  EXPECT_EQ(match.places, (Places{0, -1, -1}));
  EXPECT_EQ(match.lost, 2);
  EXPECT_EQ(match_images({}, now, false).changes, "");
  EXPECT_EQ(match.changes,
            "1 with another label (cat/0.jpg was cat, now dog), 1 with other pixels (dog/0.jpg), "
            "1 no longer there (cat/1.jpg), 1 added (cat/2.jpg)");
}

TEST(DataRecord, EqualPixelsAreToldApartByPathAndLabel) {
  const Images then{{"a.jpg", "cat", 1}, {"b.jpg", "dog", 1}, {"a.jpg", "dog", 1}};
  const Images now{{"b.jpg", "dog", 1}, {"a.jpg", "dog", 1}, {"a.jpg", "cat", 1}};
  const DataMatch match = match_images(then, now);
  EXPECT_EQ(match.places, (Places{2, 0, 1}));
  EXPECT_EQ(match.changes, "");
}

TEST(DataRecord, ComesBackAsWritten) {
  const DataRecord record{{{"a,\"b\".jpg", "two\nlines", 0xffffffffffffffffU}}, kThen};
  const DataRecord read = parse_data_record(to_csv(record), "data.csv");
  ASSERT_EQ(read.train.size(), 1U);
  EXPECT_EQ(read.train[0].path, "a,\"b\".jpg");
  EXPECT_EQ(read.train[0].label, "two\nlines");
  EXPECT_EQ(read.train[0].hash, 0xffffffffffffffffU);
  EXPECT_EQ(match_images(kThen, read.test).changes, "");
}

TEST(DataRecord, DamageIsNamed) {
  const std::string whole = to_csv({kThen, kThen});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string message =
        message_of([&] { parse_data_record(whole.substr(0, size), "data.csv"); });
    EXPECT_TRUE(message.empty() || message.find("data.csv") != std::string::npos) << message;
  }
  EXPECT_NE(message_of([] {
              parse_data_record("split,path,label,hash\ntrain,a,b,xyz\n", "d");
            }).find("line 2: 'xyz' is no hash"),
            std::string::npos);
  EXPECT_NE(message_of([] { parse_data_record("split,path,label,hash\nval,a,b,1\n", "d"); }), "");
}

TEST(DataRecord, HasEveryImageOfADataset) {
  Dataset dataset;
  dataset.root = "/set";
  dataset.class_names = {"cat", "dog"};
  dataset.train = {bptplr::Images::in_memory(1, 1, {1, 2, 3, 4, 5, 6}), {1, 0}};
  dataset.train.listed = {{3, 7}, 9};
  dataset.test = {bptplr::Images::in_memory(1, 1, {1, 2, 3, 4, 5, 6}), {0, 1}};
  dataset.test.files = {"/set/test/x.jpg", "/elsewhere/y.jpg"};
  const DataRecord record = record_data(dataset);
  ASSERT_EQ(record.train.size(), 2U);
  EXPECT_EQ(record.train[0].path, "#3");
  EXPECT_EQ(record.train[0].label, "dog");
  EXPECT_EQ(record.test[0].path, "test/x.jpg");
  EXPECT_EQ(record.test[1].path, "/elsewhere/y.jpg");
  EXPECT_EQ(record.test[0].hash, record.train[0].hash);
  EXPECT_NE(record.test[0].hash, record.test[1].hash);
}

}  // namespace
}  // namespace bptplr
