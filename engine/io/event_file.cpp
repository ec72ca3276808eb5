#include "engine/io/event_file.hpp"

#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>

#include "engine/error.hpp"

namespace bptplr {
namespace {

// Wire types of protocol buffers used here: a field is its number and type, then its value.
enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
  return bytes;
}

template <class T>
std::string little_endian(T value) {
  static_assert(std::endian::native == std::endian::little);
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string key(std::uint32_t field, WireType type) {
  return varint(field << 3 | type);
}
std::string integer_field(std::uint32_t field, std::int64_t value) {
  return key(field, kVarint) + varint(static_cast<std::uint64_t>(value));
}
std::string bytes_field(std::uint32_t field, std::string_view value) {
  return key(field, kBytes) + varint(value.size()) + std::string(value);
}

/// Masks a CRC, as TFRecord requires: records may contain checksums themselves.
std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return std::rotr(crc, 15) + 0xa282ead8U;
}

double now() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

/// Returns a file name that is unique among processes and machines writing to one folder.
std::string file_name() {
  static int count = 0;
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("events.out.tfevents.{:.0f}.{}.{}.{}", now(), host.data(), ::getpid(),
                     count++);
}

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1U ? 0x82f63b78U : 0U);
    table[i] = crc;
  }
  return table;
}();

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes)
    crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

EventFile::EventFile(const std::filesystem::path& folder) : path_(folder / file_name()) {
  FileStatus status;
  file_ = open_to_write(path_, Existing::kReplace, status);
  publish(file_);
  constexpr std::uint32_t kFileVersion = 3;
  write_event(0, bytes_field(kFileVersion, "brain.Event:2"));
  flush();
}

void EventFile::session_start(std::int64_t step) {
  constexpr std::uint32_t kSessionLog = 7, kStatus = 1;
  constexpr std::int64_t kStart = 1;
  write_event(step, bytes_field(kSessionLog, integer_field(kStatus, kStart)));
}

void EventFile::scalar(std::string_view tag, std::int64_t step, double value) {
  constexpr std::uint32_t kSimpleValue = 2;
  write_value(tag, step, key(kSimpleValue, kFixed32) + little_endian(static_cast<float>(value)));
}

void EventFile::text(std::string_view tag, std::int64_t step, std::string_view markdown) {
  constexpr std::int64_t kString = 7;  // DT_STRING
  // TensorProto: dtype 1, tensor_shape 2 {dim 2 {size 1}}, string_val 8
  const std::string one_element = bytes_field(2, bytes_field(2, integer_field(1, 1)));
  const std::string tensor = integer_field(1, kString) + one_element + bytes_field(8, markdown);
  // SummaryMetadata: plugin_data 1 {plugin_name 1}
  const std::string metadata = bytes_field(1, bytes_field(1, "text"));
  write_value(tag, step, bytes_field(8, tensor) + bytes_field(9, metadata));
}

void EventFile::image(std::string_view tag, std::int64_t step, int width, int height,
                      std::string_view png) {
  constexpr std::int64_t kRgb = 3;
  // Summary.Image: height 1, width 2, colorspace 3, encoded_image_string 4
  write_value(tag, step,
              bytes_field(4, integer_field(1, height) + integer_field(2, width) +
                                 integer_field(3, kRgb) + bytes_field(4, png)));
}

void EventFile::flush() {
  std::string_view rest = buffered_;
  while (!rest.empty()) {
    const ssize_t n = ::write(file_.get(), rest.data(), rest.size());
    const int error = errno;
    if (n < 0 && error == EINTR) continue;
    require(n >= 0, "cannot write {}: {}; free some space or choose another folder", path_.string(),
            reason(error));
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  buffered_.clear();
}

void EventFile::write_value(std::string_view tag, std::int64_t step,
                            std::string_view summary_value) {
  constexpr std::uint32_t kTag = 1, kValue = 1, kSummary = 5;
  const std::string value = bytes_field(kTag, tag) + std::string(summary_value);
  write_event(step, bytes_field(kSummary, bytes_field(kValue, value)));
}

void EventFile::write_event(std::int64_t step, std::string_view rest) {
  constexpr std::uint32_t kWallTime = 1, kStep = 2;
  const std::string event = key(kWallTime, kFixed64) + little_endian(now()) +
                            integer_field(kStep, step) + std::string(rest);
  const std::string length = little_endian(static_cast<std::uint64_t>(event.size()));
  buffered_ +=
      length + little_endian(masked_crc(length)) + event + little_endian(masked_crc(event));
}

}  // namespace bptplr
