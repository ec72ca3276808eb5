// Writes TensorBoard event files: a sequence of records, each a protocol buffer `Event`
// (tensorflow/core/util/event.proto) between its length and two checksums (TFRecord).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "engine/io/open_file.hpp"

namespace bptplr {

/// Returns CRC-32C (Castagnoli), as in RFC 3720. zlib only has CRC-32, and Debian 12 has no library
/// for CRC-32C.
std::uint32_t crc32c(std::string_view bytes);

class EventFile {
 public:
  /// Creates a new events.out.tfevents.* in `folder`, which must exist. Keeps earlier files:
  /// TensorBoard shows all of them as one run. Throws Error when it cannot be written.
  explicit EventFile(const std::filesystem::path& folder);

  /// Marks the start of events from `step` on (a SessionLog START): TensorBoard drops what it has
  /// read for this step and later ones.
  void session_start(std::int64_t step);
  /// Adds a value to the curve `tag`.
  void scalar(std::string_view tag, std::int64_t step, double value);
  /// Adds a Markdown text under `tag`.
  void text(std::string_view tag, std::int64_t step, std::string_view markdown);
  /// Adds a picture, the bytes of a PNG file of width x height pixels.
  void image(std::string_view tag, std::int64_t step, int width, int height, std::string_view png);
  /// Writes all buffered events to the file, so that a running TensorBoard can read them. Throws
  /// Error when the disk is full.
  void flush();

  const std::filesystem::path& path() const { return path_; }

 private:
  /// Writes `summary_value`, an encoded Summary.Value without its tag.
  void write_value(std::string_view tag, std::int64_t step, std::string_view summary_value);
  void write_event(std::int64_t step, std::string_view rest);

  std::filesystem::path path_;
  Descriptor file_;
  std::string buffered_;
};

}  // namespace bptplr
