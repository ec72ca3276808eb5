// A run as TensorBoard shows it: curves, the recipe, and pictures of the partition.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/selection_points.hpp"
#include "bpt_plr/train/metrics.hpp"
#include "data/images/image.hpp"
#include "engine/io/event_file.hpp"

namespace bptplr {

class EventLog {
 public:
  /// Event files go to `folder`. The recipe is a resolved one.
  EventLog(std::filesystem::path folder, Recipe recipe)
      : folder_(std::move(folder)), recipe_(std::move(recipe)) {}

  /// Writes an epoch. Every file begins at the step of its first epoch, from which on TensorBoard
  /// drops what it has read; so a run that goes on replaces the epochs that it repeats. Throws
  /// Error when something could not be written; then the next epoch begins another file, and this
  /// one is missing in the curves.
  void record(const EpochMetrics& metrics, const SelectionPoints& points);

 private:
  void begin_file(std::int64_t epoch);
  void write_curves(const EpochMetrics& metrics);
  void write_network(int number, const NetworkMetrics& network, std::int64_t epoch);
  void write_pictures(const EpochMetrics& metrics, const SelectionPoints& points);
  /// Whether this epoch's partition is drawn: of many only some are, so that files stay small.
  bool is_drawn(std::int64_t epoch) const;
  /// What is not defined (NaN) is left out.
  void write_scalar(const std::string& tag, std::int64_t epoch, double value);
  void write_picture(const std::string& tag, std::int64_t epoch, const Image& image);

  std::filesystem::path folder_;
  Recipe recipe_;
  std::optional<EventFile> file_;
};

}  // namespace bptplr
