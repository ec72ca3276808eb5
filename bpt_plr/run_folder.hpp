// The folder of a run: config.json, classes.json, noise.json, metrics.jsonl, model1.safetensors,
// checkpoints/ ...
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "bpt_plr/checkpoint_store.hpp"
#include "bpt_plr/recipe.hpp"
#include "bpt_plr/trainer.hpp"
#include "data/dataset.hpp"
#include "engine/file_lock.hpp"
#include "models/network.hpp"

namespace bptplr {

class RunFolder {
 public:
  /// Makes the folder, locks it for this process and shows that it can be written to. Throws Error
  /// if not, or when it holds a run already.
  static RunFolder create(const std::filesystem::path& path);
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
  /// Drops the lines of `epoch` and later ones, and what a killed process left of a line.
  void rewind_metrics(std::int64_t epoch) const;
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
