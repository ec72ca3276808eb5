// Reads and writes the folder of a run: config.json, classes.json, data.csv, noise.json,
// metrics.jsonl, selection.jsonl, model1.safetensors, checkpoints/ ...
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/checkpoint_store.hpp"
#include "bpt_plr/run/data_record.hpp"
#include "bpt_plr/run/run_log.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "data/dataset.hpp"
#include "engine/io/file_lock.hpp"
#include "models/network.hpp"

namespace bptplr {

/// Lock of a run's folder, held while anybody has it.
using RunLock = std::shared_ptr<const FileLock>;

class RunFolder {
 public:
  /// Creates the folder if needed and locks it for this process, whatever it holds; returns null
  /// when another process trains there.
  static RunLock lock_if_free(const std::filesystem::path& path);
  /// Returns who trains in a folder that could not be locked: "process 123 on HOST".
  static std::string holder(const std::filesystem::path& path);
  /// Creates the folder, locks it for this process and checks that it is writable. Throws Error if
  /// it is not, or when it already holds a run. A `lock` is one that this process has already.
  static RunFolder create(const std::filesystem::path& path, RunLock lock = nullptr);
  /// Throws Error when `path`, which need not exist, already holds a run.
  static void check_unused(const std::filesystem::path& path);
  /// Opens and locks an existing run to resume it. Throws Error when another process trains there.
  static RunFolder resume(const std::filesystem::path& path, RunLock lock = nullptr);
  /// Opens an existing run for reading. Throws Error when there is none.
  static RunFolder open(const std::filesystem::path& path);
  /// Returns whether `path` holds a run.
  static bool exists(const std::filesystem::path& path);

  void write_config(const Recipe& recipe) const;
  Recipe read_config() const;
  /// Writes what using the networks without their data set requires: class names, channel
  /// statistics and the side of the images.
  void write_classes(const Dataset& dataset) const;
  /// Reads classes.json as a data set without images; its empty splits have the images' sides.
  /// Throws Error when the file is missing or is not what write_classes wrote.
  Dataset read_classes() const;
  /// Writes which images and labels the run has, to data.csv.
  void write_data_record(const DataRecord& record) const;
  /// Reads data.csv; nothing if there is none, as in runs of earlier versions. Throws Error for
  /// anything but what write_data_record wrote.
  std::optional<DataRecord> read_data_record() const;
  void write_noise(std::span<const std::int64_t> labels) const;
  /// Returns the path of noise.json, the labels that write_noise writes.
  std::filesystem::path noise_file() const;
  /// Returns the logs of the run, as they are on the disk.
  RunLog metrics_log() const;
  RunLog selection_log() const;
  /// Return the lines of metrics.jsonl and selection.jsonl in order, none where there is no file. A
  /// line cut short by a killed process is skipped.
  std::vector<nlohmann::ordered_json> read_metrics() const;
  std::vector<nlohmann::ordered_json> read_selection() const;
  /// Removes the lines of `epoch` and later ones, and a line cut short by a killed process, from
  /// metrics.jsonl and selection.jsonl.
  void rewind(std::int64_t epoch) const;
  /// Writes all models of a run, with the number of epochs that they have learnt.
  void write_models(const Trainer& trainer, std::int64_t epochs) const;
  /// Writes a network to model1.safetensors (index 0) or model2.safetensors (index 1).
  void write_model(int index, const Network& network, std::int64_t epochs) const;
  /// Returns the number of epochs that all models in the folder have learnt; 0 if there is none,
  /// one differs, or a version that did not note it wrote them.
  std::int64_t models_epochs() const;
  /// Moves logs and models of a run that begins again into a new folder before_restart_N, and
  /// returns its path.
  std::filesystem::path set_aside() const;
  /// Reads a network from the model file of `index`. Throws Error if it is missing or does not fit.
  void read_model(int index, Network& network) const;
  /// Returns the number of model files in the folder.
  int num_models() const;
  /// Returns the run's checkpoints, of which the newest `keep` are kept.
  CheckpointStore checkpoints(std::int64_t keep) const { return {path_ / "checkpoints", keep}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit RunFolder(std::filesystem::path path, RunLock lock = nullptr)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::filesystem::path path_;
  RunLock lock_;
};

/// Reads a model file into a network of the same shape. Throws Error naming the file when it is
/// missing or does not fit.
void load_model(const std::filesystem::path& file, Network& network);

}  // namespace bptplr
