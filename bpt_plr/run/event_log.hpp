// Writes TensorBoard event files of a run: curves, the recipe and pictures of the partition.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/selection_points.hpp"
#include "bpt_plr/train/metrics.hpp"
#include "data/images/image.hpp"
#include "engine/io/event_file.hpp"

namespace bptplr {

class EventLog {
 public:
  /// Writes event files to `folder`. `recipe` must be resolved.
  EventLog(std::filesystem::path folder, Recipe recipe)
      : folder_(std::move(folder)), recipe_(std::move(recipe)) {}

  /// Writes the curves and pictures of an epoch. A file starts at the step of its first epoch, and
  /// TensorBoard drops earlier data from that step on, so a resumed run replaces the epochs it
  /// repeats. Throws Error on a failed write; the next epoch then starts another file, and the
  /// curves lack this one.
  void record(const EpochMetrics& metrics, const SelectionPoints& points);

 private:
  void begin_file(std::int64_t epoch);
  void write_curves(const EpochMetrics& metrics);
  void write_network(int number, const NetworkMetrics& network, std::int64_t epoch);
  void write_pictures(const EpochMetrics& metrics, const SelectionPoints& points);
  /// Returns whether this epoch's partition is drawn; long runs draw only some, to limit file size.
  bool is_drawn(std::int64_t epoch) const;
  /// Writes a scalar unless it is NaN (not defined).
  void write_scalar(const std::string& tag, std::int64_t epoch, double value);
  void write_picture(const std::string& tag, std::int64_t epoch, const Image& image);

  std::filesystem::path folder_;
  Recipe recipe_;
  std::optional<EventFile> file_;
};

}  // namespace bptplr
