// The folder of a run: config.json, noise.json, metrics.jsonl, model1.safetensors, ...
#pragma once

#include <filesystem>
#include <span>

#include "bpt_plr/metrics.hpp"
#include "bpt_plr/recipe.hpp"
#include "models/network.hpp"

namespace bptplr {

class RunFolder {
 public:
  /// Makes the folder and shows that it can be written to. Throws Error if not, or when it holds a
  /// run already.
  static RunFolder create(const std::filesystem::path& path);
  /// Throws Error when the folder holds a run already; it need not exist.
  static void check_unused(const std::filesystem::path& path);
  /// An existing run. Throws Error when there is none.
  static RunFolder open(const std::filesystem::path& path);

  void write_config(const Recipe& recipe) const;
  Recipe read_config() const;
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

}  // namespace bptplr
