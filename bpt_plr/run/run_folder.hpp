// The folder of a run: config.json, classes.json, noise.json, metrics.jsonl, selection.jsonl,
// model1.safetensors, checkpoints/ ...
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/checkpoint_store.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "data/dataset.hpp"
#include "engine/io/file_lock.hpp"
#include "models/network.hpp"

namespace bptplr {

class RunFolder {
 public:
  /// Makes the folder, locks it for this process and shows that it can be written to. Throws Error
  /// if not, or when it holds a run already.
  static RunFolder create(const std::filesystem::path& path);
  /// Throws Error when the folder holds a run already; it need not exist.
  static void check_unused(const std::filesystem::path& path);
  /// An existing run, to go on with: locks it. Throws Error when another process trains there.
  static RunFolder resume(const std::filesystem::path& path);
  /// An existing run, to read. Throws Error when there is none.
  static RunFolder open(const std::filesystem::path& path);
  /// Whether there is a run.
  static bool exists(const std::filesystem::path& path);

  void write_config(const Recipe& recipe) const;
  Recipe read_config() const;
  /// What the networks must be told of their data set to be used without it: class names, channel
  /// statistics and the side of its images.
  void write_classes(const Dataset& dataset) const;
  /// That as a data set without images, whose sides its empty splits have. Throws Error when the
  /// file is missing or is not what write_classes wrote.
  Dataset read_classes() const;
  void write_noise(std::span<const std::int64_t> labels) const;
  /// Where these labels lie.
  std::filesystem::path noise_file() const;
  /// Adds whole lines to metrics.jsonl, all or none.
  void append_metrics(std::string_view lines) const;
  /// Adds whole lines to selection.jsonl, all or none.
  void append_selection(std::string_view lines) const;
  /// The lines of each, in their order; none where there is no file. What a killed process left of
  /// a line is passed over.
  std::vector<nlohmann::ordered_json> read_metrics() const;
  std::vector<nlohmann::ordered_json> read_selection() const;
  /// Drops the lines of `epoch` and later ones from both, and what a killed process left of a line.
  void rewind(std::int64_t epoch) const;
  /// All models of a run.
  void write_models(const Trainer& trainer) const;
  /// model1.safetensors, model2.safetensors: index 0, 1.
  void write_model(int index, const Network& network) const;
  /// Throws Error when the file is missing or does not fit.
  void read_model(int index, Network& network) const;
  /// How many models are there.
  int num_models() const;
  /// Its checkpoints; `keep` is how many of the newest stay.
  CheckpointStore checkpoints(std::int64_t keep) const { return {path_ / "checkpoints", keep}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit RunFolder(std::filesystem::path path, std::optional<FileLock> lock = {})
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::filesystem::path path_;
  std::optional<FileLock> lock_;
};

/// Reads a model file into a network of its shape. Throws Error naming the file when it is missing
/// or does not fit.
void load_model(const std::filesystem::path& file, Network& network);

}  // namespace bptplr
