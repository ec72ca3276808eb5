// Keeps the checkpoints of a run and finds the one to resume from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "bpt_plr/train/checkpoint.hpp"

namespace bptplr {

class CheckpointStore {
 public:
  /// Stores checkpoints in `folder`, which need not exist yet, and keeps the newest `keep` of them
  /// and the one after the epoch with the best test accuracy.
  CheckpointStore(std::filesystem::path folder, std::int64_t keep)
      : folder_(std::move(folder)), keep_(keep) {}

  /// Writes a checkpoint, then removes those that are neither among the newest nor the best. Throws
  /// Error when it cannot be written; the earlier ones are then still there.
  void save(const Checkpoint& checkpoint) const;

  /// Writes a checkpoint that shows why training failed; no run resumes from it. Returns its path.
  std::filesystem::path save_diagnostic(const Checkpoint& checkpoint) const;

  struct Found {
    Checkpoint checkpoint;
    std::filesystem::path path;
  };
  /// Returns the newest checkpoint that can be read; `damaged` is told of newer ones that cannot.
  std::optional<Found> newest(const std::function<void(const std::string&)>& damaged) const;

 private:
  void prune(const Checkpoint& newest) const;

  std::filesystem::path folder_;
  std::int64_t keep_;
};

}  // namespace bptplr
