// Reads and writes the folder of a comparison: runs.jsonl, run folders LABEL/seedN and tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bpt_plr/results/compare/comparison.hpp"
#include "engine/io/file_lock.hpp"

namespace bptplr {

class ComparisonFolder {
 public:
  /// Creates the folder if needed, locks it for this process, and removes a line cut short by a
  /// killed process. Throws Error when it is not writable, another process compares there, it is
  /// the folder of a run, or its runs.jsonl is damaged.
  static ComparisonFolder create(const std::filesystem::path& path);
  /// Opens a comparison for reading. Throws Error if there is none or its runs.jsonl is damaged.
  static ComparisonFolder open(const std::filesystem::path& path);

  /// Returns the lines of runs.jsonl in order, without a line cut short by a killed process.
  const std::vector<ComparedRun>& runs() const { return runs_; }
  /// Appends a line to runs.jsonl; appends none if it throws Error.
  void add(const ComparedRun& run);
  /// Returns the path of a run's folder.
  std::filesystem::path run_path(const std::string& label, std::int64_t seed) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ComparisonFolder(std::filesystem::path path, std::optional<FileLock> lock = {});

  std::filesystem::path path_;
  std::optional<FileLock> lock_;
  std::vector<ComparedRun> runs_;
};

}  // namespace bptplr
