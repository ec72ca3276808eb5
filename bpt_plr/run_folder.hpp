// The folder of a run: config.json, classes.json, noise.json, metrics.jsonl, model1.safetensors,
// ...
#pragma once

#include <filesystem>
#include <span>

#include "bpt_plr/metrics.hpp"
#include "bpt_plr/recipe.hpp"
#include "data/dataset.hpp"
#include "models/network.hpp"

namespace bptplr {

class RunFolder {
 public:
  /// Makes the folder and shows that it can be written to. Throws Error if not, or when it holds a
  /// run already.
  static RunFolder create(const std::filesystem::path& path);
  /// An existing run. Throws Error when there is none.
  static RunFolder open(const std::filesystem::path& path);

  void write_config(const Recipe& recipe) const;
  Recipe read_config() const;
  /// What the networks must be told of their data set to be used without it: class names, channel
  /// statistics and the side of its images.
  void write_classes(const Dataset& dataset) const;
  /// That as a data set without images, whose sides its empty splits have. Throws Error when the
  /// file is missing or is not what write_classes wrote.
  Dataset read_classes() const;
  void write_noise(std::span<const std::int64_t> labels) const;
  /// Adds one line to metrics.jsonl.
  void append_metrics(const EpochMetrics& metrics) const;
  /// model1.safetensors, model2.safetensors: index 0, 1.
  void write_model(int index, const Network& network) const;
  /// Throws Error when the file is missing or does not fit.
  void read_model(int index, Network& network) const;
  /// How many models are there.
  int num_models() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Reads a model file into a network of its shape. Throws Error naming the file when it is missing
/// or does not fit.
void load_model(const std::filesystem::path& file, Network& network);

}  // namespace bptplr
