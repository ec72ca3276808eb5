// The folder of a comparison: runs.jsonl, a run folder LABEL/seedN for each run, and tables.
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
  /// Makes the folder where it is missing, locks it for this process, and drops what a killed
  /// process left of a line. Throws Error when it cannot be written to, another process compares
  /// there, it is the folder of a run, or its runs.jsonl is damaged.
  static ComparisonFolder create(const std::filesystem::path& path);
  /// An existing one, to read. Throws Error when there is none, or runs.jsonl is damaged.
  static ComparisonFolder open(const std::filesystem::path& path);

  /// What runs.jsonl holds, in the order of its lines; what a killed process left of one is no
  /// line.
  const std::vector<ComparedRun>& runs() const { return runs_; }
  /// Adds a line to it, or none where an Error is thrown.
  void add(const ComparedRun& run);
  /// Where a run is to lie.
  std::filesystem::path run_path(const std::string& label, std::int64_t seed) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ComparisonFolder(std::filesystem::path path, std::optional<FileLock> lock = {});

  std::filesystem::path path_;
  std::optional<FileLock> lock_;
  std::vector<ComparedRun> runs_;
};

}  // namespace bptplr
