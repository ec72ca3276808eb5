// Carries corrections of labels over to people's own files. Nothing is ever overwritten.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "bpt_plr/results/correct/corrections.hpp"
#include "engine/names.hpp"

namespace bptplr {

enum class ApplyMode {
  kMove,  ///< files whose label is wrong move to the folder of their new class
  kCopy,  ///< a corrected copy of the data set, in folders of classes
  kCsv    ///< a corrected table of the data set for --dataset csv; no image is touched
};
constexpr auto names_of(ApplyMode) {
  return std::to_array<NamedValue<ApplyMode>>(
      {{ApplyMode::kMove, "move"}, {ApplyMode::kCopy, "copy"}, {ApplyMode::kCsv, "csv"}});
}

struct Applied {
  std::filesystem::path
      result;                ///< the table, the copy's folder, or the file that undoes the moves
  std::int64_t changed = 0;  ///< images with a new label
  std::int64_t files = 0;    ///< rows of the table, or files that were moved or copied
};

/// Moves the corrected images into `folder`/CLASS or, where `folder` is empty, into the folders of
/// classes that the data set has. A name that is taken there is changed (x_from_CLASS.jpg). Each
/// move is first written to undo_1.csv (or the next free number) in `undo_folder`. Throws Error
/// before anything moves if images have no files or, without `folder`, no folders of classes; and
/// for a file that cannot be moved, after which undo_moves takes back what was done.
Applied apply_by_moving(std::span<const Correction> corrections, const TrainingData& data,
                        const std::filesystem::path& folder,
                        const std::filesystem::path& undo_folder);

/// Copies all training and test images to `folder`/train/CLASS and `folder`/test/CLASS, by their
/// corrected labels; `folder` must not exist or be empty. `progress` may be empty. Throws Error.
Applied apply_by_copying(std::span<const Correction> corrections, const TrainingData& data,
                         const std::filesystem::path& folder,
                         const std::function<void(std::int64_t, std::int64_t)>& progress);

/// Writes `folder`/labels.csv: path, label and split of every training and test image, and the true
/// label where any is known. Throws Error if the file exists or images have no files.
Applied apply_as_csv(std::span<const Correction> corrections, const TrainingData& data,
                     const std::filesystem::path& folder);

/// Moves files back as `undo_file` says, the last one first; returns how many. Files that are back
/// already, or were never moved, are passed over. Throws Error, before the first move, if a file
/// would overwrite another or is in neither place.
std::int64_t undo_moves(const std::filesystem::path& undo_file);

}  // namespace bptplr
