// The checkpoints of a run: which are kept, and which one a run goes on from.
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
  /// In `folder`, which need not exist yet. `keep`: how many of the newest stay, beside that of the
  /// epoch with the best test accuracy.
  CheckpointStore(std::filesystem::path folder, std::int64_t keep)
      : folder_(std::move(folder)), keep_(keep) {}

  /// Writes it, then removes those that are neither new nor best. Throws Error when it cannot be
  /// written; then the earlier ones are still there.
  void save(const Checkpoint& checkpoint) const;

  /// Writes it beside the others, for someone who wants to know why training failed there; no run
  /// goes on from it. Returns the file.
  std::filesystem::path save_diagnostic(const Checkpoint& checkpoint) const;

  struct Found {
    Checkpoint checkpoint;
    std::filesystem::path path;
  };
  /// The newest that is whole; `damaged` is told of newer ones that are not.
  std::optional<Found> newest(const std::function<void(const std::string&)>& damaged) const;

 private:
  void prune(const Checkpoint& newest) const;

  std::filesystem::path folder_;
  std::int64_t keep_;
};

}  // namespace bptplr
