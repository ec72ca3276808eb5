#include "engine/io/event_file.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "tests/data/sets/cifar10_files.hpp"

namespace bptplr {
namespace {

TEST(Crc32c, HasThePublishedValues) {
  // RFC 3720, appendix B.4
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(""), 0U);
}

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

/// The payloads of a TFRecord file; checks lengths and checksums.
std::vector<std::string> records(const std::string& bytes) {
  std::vector<std::string> found;
  const auto masked = [](const std::string& part) {
    const std::uint32_t crc = crc32c(part);
    return (crc >> 15 | crc << 17) + 0xa282ead8U;
  };
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto length = number_at<std::uint64_t>(bytes, at);
    EXPECT_EQ(number_at<std::uint32_t>(bytes, at + 8), masked(bytes.substr(at, 8)));
    found.push_back(bytes.substr(at + 12, length));
    EXPECT_EQ(number_at<std::uint32_t>(bytes, at + 12 + length), masked(found.back()));
    at += 16 + length;
  }
  EXPECT_EQ(at, bytes.size());
  return found;
}

TEST(EventFile, RecordsAreWhatTensorFlowWrites) {
  const TemporaryFolder folder;
  EventFile events(folder.path());
  events.scalar("test/acc", 300, 81.5);
  events.text("recipe", 0, "a | b");
  events.image("gmm", 2, 640, 480, "PNG");
  events.session_start(12);
  events.flush();
  const auto found = records(read_file(events.path()));
  ASSERT_EQ(found.size(), 5U);
  // After the time (a double in field 1): step in field 2, then file_version (3), summary (5) or
  // session_log (7).
  const auto body = [&](std::size_t i) { return found[i].substr(9); };
  using namespace std::string_literals;
  EXPECT_EQ(body(0), "\x10\x00\x1a\x0d"s + "brain.Event:2");
  EXPECT_EQ(body(1), "\x10\xac\x02\x2a\x11\x0a\x0f\x0a\x08"s + "test/acc" +
                         "\x15\x00\x00\xa3\x42"s);  // 81.5F
  EXPECT_EQ(body(2), "\x10\x00\x2a\x25\x0a\x23\x0a\x06"s + "recipe" +
                         "\x42\x0f\x08\x07\x12\x04\x12\x02\x08\x01"s + "\x42\x05"s + "a | b" +
                         "\x4a\x08\x0a\x06\x0a\x04"s + "text");
  EXPECT_EQ(body(3), "\x10\x02\x2a\x16\x0a\x14\x0a\x03"s + "gmm" +
                         "\x22\x0d\x08\xe0\x03\x10\x80\x05\x18\x03\x22\x03"s + "PNG");
  EXPECT_EQ(body(4), "\x10\x0c\x3a\x02\x08\x01"s);
}

TEST(EventFile, TwoInOneFolderDoNotCollide) {
  const TemporaryFolder folder;
  const EventFile first(folder.path()), second(folder.path());
  EXPECT_NE(first.path(), second.path());
}

TEST(EventFile, AFolderThatIsNotThereIsAnError) {
  EXPECT_THROW(EventFile("/nowhere/at/all"), Error);
}

}  // namespace
}  // namespace bptplr
