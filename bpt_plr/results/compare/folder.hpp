// Reads and writes the folder of a comparison: runs.jsonl, run folders LABEL/seedN and tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/results/compare/comparison.hpp"

namespace bptplr {

/// Folder that several processes may compare in: each locks it while it writes runs.jsonl or
/// tables.
class ComparisonFolder {
 public:
  /// Creates the folder if needed, and removes a line cut short by a killed process. Throws Error
  /// when it is not writable, it is the folder of a run, or its runs.jsonl is damaged.
  static ComparisonFolder create(const std::filesystem::path& path);
  /// Opens a comparison for reading. Throws Error if there is none or its runs.jsonl is damaged.
  static ComparisonFolder open(const std::filesystem::path& path);

  /// Returns the lines of runs.jsonl in order, without a line cut short by a killed process, as
  /// they were when they were last read.
  const std::vector<ComparedRun>& runs() const { return runs_; }
  /// Reads the lines again, with those that other processes have added.
  void read();
  /// Appends a line to runs.jsonl after those of other processes; appends none if it throws Error,
  /// as it does for a run on other data than a run of its seed.
  void add(const ComparedRun& run);
  /// Returns the path of a run's folder.
  std::filesystem::path run_path(const std::string& label, std::int64_t seed) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ComparisonFolder(std::filesystem::path path);

  std::filesystem::path path_;
  std::vector<ComparedRun> runs_;
};

/// Writes tables and page of the runs that any process has recorded, with requested labels and
/// seeds that have none, and returns these runs. Throws Error when they cannot be written.
Comparison update_tables(const std::filesystem::path& folder, std::vector<std::string> labels,
                         std::span<const std::int64_t> seeds);

}  // namespace bptplr
