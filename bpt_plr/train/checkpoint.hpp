// State from which a run resumes exactly as if never interrupted, and its file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "engine/communicator.hpp"
#include "engine/io/safetensors.hpp"

namespace bptplr {

/// Position of a run, between two iterations. Random numbers depend on nothing else, as the streams
/// are counter-based.
struct Position {
  std::int64_t epoch = 0;      ///< next or current epoch
  int network = 0;             ///< next network to train: 0 or 1
  std::int64_t iteration = 0;  ///< iterations that it has done in this epoch

  /// Returns whether a part of the epoch is done.
  bool within_epoch() const { return network > 0 || iteration > 0; }
};

/// Format that save_checkpoint writes. Format 1 differs in its hash function.
inline constexpr int kCheckpointFormat = 2;

struct Checkpoint {
  Position position;
  Recipe recipe;                   ///< resolved
  std::uint64_t data_hash = 0;     ///< hash_training_data in `format`
  std::vector<double> accuracies;  ///< percent, of the completed epochs
  nlohmann::json loss_sums;        ///< of the current epoch (LossMeans::sums)
  /// Parameters, running statistics, prototypes, momentum and loss history of the networks and,
  /// within an epoch, their outputs for its samples.
  TensorMap tensors;
  /// Lines of metrics.jsonl and selection.jsonl that could not be written before the checkpoint
  /// was, so that a resumed run lacks none.
  std::string unwritten_metrics, unwritten_selection;
  int format = kCheckpointFormat;  ///< format of the file that it was read from
};

/// Writes a safetensors file, readable by PyTorch, with the other fields and a checksum as
/// metadata; all or nothing. Throws Error when it cannot be written.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Reads a checkpoint. Throws Error naming the file when it is missing, is no checkpoint, or any
/// byte that matters is damaged.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// Gives all ranks the checkpoint of rank 0.
void broadcast_checkpoint(Communicator& group, Checkpoint& checkpoint);

/// Returns a hash that distinguishes training sets, of labels, sizes and the pixels of some images.
/// Hashes in different checkpoint formats cannot be compared.
std::uint64_t hash_training_data(const TrainingData& data, int format = kCheckpointFormat);

/// Throws Error naming the first field that prevents resuming: any but data paths, num_epochs and
/// where to compute. `origin` names the checkpoint.
void require_same_run(const Recipe& recipe, const Recipe& of_checkpoint, const std::string& origin);

}  // namespace bptplr
