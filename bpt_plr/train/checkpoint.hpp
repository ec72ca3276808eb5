// Everything that a run needs to go on as if it had never stopped, and the file that holds it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/train/training_data.hpp"
#include "engine/io/safetensors.hpp"

namespace bptplr {

/// The place between two iterations where a run stands. Random numbers depend on nothing else, the
/// streams being counter-based.
struct Position {
  std::int64_t epoch = 0;      ///< that comes next or is under way
  int network = 0;             ///< 0 or 1, that trains next
  std::int64_t iteration = 0;  ///< how many it has done in this epoch

  /// Whether something of the epoch has been done.
  bool within_epoch() const { return network > 0 || iteration > 0; }
};

/// The format that save_checkpoint writes. Format 1 has other hashes.
inline constexpr int kCheckpointFormat = 2;

struct Checkpoint {
  Position position;
  Recipe recipe;                   ///< resolved
  std::uint64_t data_hash = 0;     ///< hash_training_data, in that format
  std::vector<double> accuracies;  ///< percent, of the epochs that are done
  nlohmann::json loss_sums;        ///< of the epoch under way (LossMeans::sums)
  /// Parameters, running statistics, prototypes, momentum and loss history of the networks, and
  /// what they said about the epoch's samples where one is under way.
  TensorMap tensors;
  int format = kCheckpointFormat;  ///< of the file that it was read from
};

/// Writes a safetensors file, which PyTorch reads too, with the rest and a checksum as metadata;
/// all or nothing. Throws Error when it cannot be written.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Throws Error, naming the file, when it is missing, damaged in any byte that counts, or no
/// checkpoint.
Checkpoint load_checkpoint(const std::filesystem::path& path);

/// Returns a hash that tells training sets apart: of labels, sizes, and the pixels of some images.
/// Hashes in different formats of a checkpoint cannot be compared.
std::uint64_t hash_training_data(const TrainingData& data, int format = kCheckpointFormat);

/// Throws Error that names the first field in which a run cannot go on differently: all but the
/// paths of data, num_epochs and where to compute. `origin` is what the checkpoint is called.
void require_same_run(const Recipe& recipe, const Recipe& of_checkpoint, const std::string& origin);

}  // namespace bptplr
