// Rows of a table of samples: CSV (RFC 4180) with the columns path, label, true_label and split.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/class_names.hpp"

namespace bptplr {

/// Row of the table, as text.
struct ManifestRow {
  std::size_t line;
  std::string path;  ///< empty without that column
  std::string label;
  std::string true_label;  ///< empty: unknown
  std::string split;       ///< train, test or val; train without that column
};

/// Whether a table without the column path is an error.
enum class NeedsPath { kNo, kYes };

/// Reads a table with its header: columns in any order, no others. Throws Error naming file and
/// line for anything missing or malformed.
std::vector<ManifestRow> read_manifest(const std::filesystem::path& manifest, NeedsPath needs_path);

/// Returns the classes of all labels in the table, true ones included.
ClassNames classes_of(std::span<const ManifestRow> rows);

}  // namespace bptplr
