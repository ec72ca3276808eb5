// A log of a run, metrics.jsonl or selection.jsonl: a line an epoch, on the disk as far as that
// takes them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace bptplr {

class RunLog {
 public:
  /// Takes over the lines that the file has, if it exists.
  explicit RunLog(std::filesystem::path file);

  /// Adds complete lines, which are not on the disk before `write`.
  void add(std::string_view lines) { text_ += lines; }
  /// Writes the lines that are not on the disk yet, all or none; the whole log where the file has
  /// gone or changed. Throws Error when it cannot.
  void write();
  /// Returns the lines that are not on the disk yet.
  std::string_view unwritten() const { return std::string_view(text_).substr(written_); }

 private:
  std::filesystem::path file_;
  std::string text_;         ///< of the whole log
  std::size_t written_ = 0;  ///< bytes of it that are in the file
};

}  // namespace bptplr
