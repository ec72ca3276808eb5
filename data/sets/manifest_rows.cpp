#include "data/sets/manifest_rows.hpp"

#include <utility>

#include "data/csv.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Positions of the columns; npos: absent.
struct Columns {
  static constexpr std::size_t kNone = std::string::npos;
  std::size_t path = kNone;
  std::size_t label = kNone;
  std::size_t true_label = kNone;
  std::size_t split = kNone;
};

Columns find_columns(const CsvRow& header, const std::string& name, NeedsPath needs_path) {
  Columns columns;
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    const std::string field = normal_name(header.fields[i]);
    std::size_t* place = field == "path"         ? &columns.path
                         : field == "label"      ? &columns.label
                         : field == "true_label" ? &columns.true_label
                         : field == "split"      ? &columns.split
                                                 : nullptr;
    require(
        place != nullptr && *place == Columns::kNone,
        "{}, line {}: the columns are path, label, true_label and split, each at most once, but "
        "this one is '{}'; rename or remove it",
        name, header.line, field);
    *place = i;
  }
  const bool has_path = columns.path != Columns::kNone || needs_path == NeedsPath::kNo;
  require(has_path && columns.label != Columns::kNone,
          "{}, line {}: the columns {}label are needed; name them in the first line", name,
          header.line, needs_path == NeedsPath::kYes ? "path and " : "");
  return columns;
}

}  // namespace

std::vector<ManifestRow> read_manifest(const fs::path& manifest, NeedsPath needs_path) {
  const std::string name = manifest.string();
  const std::vector<CsvRow> rows = parse_csv(read_file(manifest), name);
  require(rows.size() >= 2,
          "{}: a header and a line for each image are needed, but there are {} lines", name,
          rows.size());
  const Columns columns = find_columns(rows.front(), name, needs_path);
  std::vector<ManifestRow> entries;
  for (auto row = rows.begin() + 1; row != rows.end(); ++row) {
    require(row->fields.size() == rows.front().fields.size(),
            "{}, line {}: {} fields under a header of {}; correct the line", name, row->line,
            row->fields.size(), rows.front().fields.size());
    const auto field = [&](std::size_t column, const char* otherwise) {
      return column == Columns::kNone ? std::string(otherwise) : normal_name(row->fields[column]);
    };
    ManifestRow entry{row->line, "", field(columns.label, ""), field(columns.true_label, ""),
                      field(columns.split, "train")};
    if (columns.path != Columns::kNone) {
      entry.path = without_blanks(row->fields[columns.path]);
      require(!entry.path.empty(), "{}, line {}: the path is missing; correct the line", name,
              entry.line);
    }
    require(!is_missing_label(entry.label),
            "{}, line {}: the label is {}; correct or remove the line, or rename the class if one "
            "is called so",
            name, entry.line,
            entry.label.empty() ? "missing"
                                : fmt::format("'{}', which stands for a missing one", entry.label));
    if (is_missing_label(entry.true_label)) entry.true_label.clear();
    require(entry.split == "train" || entry.split == "test" || entry.split == "val",
            "{}, line {}: the split is '{}', but must be train, test or val", name, entry.line,
            entry.split);
    entries.push_back(std::move(entry));
  }
  return entries;
}

ClassNames classes_of(std::span<const ManifestRow> entries) {
  std::vector<std::string> labels;
  for (const ManifestRow& entry : entries) {
    labels.push_back(entry.label);
    if (!entry.true_label.empty()) labels.push_back(entry.true_label);
  }
  return ClassNames(labels);
}

}  // namespace bptplr
