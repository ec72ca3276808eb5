#include "data/sets/image_manifest.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "data/class_names.hpp"
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

Columns find_columns(const CsvRow& header, const std::string& name) {
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
  require(columns.path != Columns::kNone && columns.label != Columns::kNone,
          "{}, line {}: the columns path and label are needed; name them in the first line", name,
          header.line);
  return columns;
}

/// Row of the table, as text.
struct Entry {
  std::size_t line;
  std::string path;
  std::string label;
  std::string true_label;  ///< empty: unknown
  std::string split;
};

std::vector<Entry> read_entries(const fs::path& manifest) {
  const std::string name = manifest.string();
  const std::vector<CsvRow> rows = parse_csv(read_file(manifest), name);
  require(rows.size() >= 2,
          "{}: a header and a line for each image are needed, but there are {} lines", name,
          rows.size());
  const Columns columns = find_columns(rows.front(), name);
  std::vector<Entry> entries;
  for (auto row = rows.begin() + 1; row != rows.end(); ++row) {
    require(row->fields.size() == rows.front().fields.size(),
            "{}, line {}: {} fields under a header of {}; correct the line", name, row->line,
            row->fields.size(), rows.front().fields.size());
    const auto field = [&](std::size_t column, const char* otherwise) {
      return column == Columns::kNone ? std::string(otherwise) : normal_name(row->fields[column]);
    };
    Entry entry{row->line, std::string(without_blanks(row->fields[columns.path])),
                field(columns.label, ""), field(columns.true_label, ""),
                field(columns.split, "train")};
    require(!entry.path.empty(), "{}, line {}: the path is missing; correct the line", name,
            entry.line);
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

/// Returns the classes of all labels in the table, true ones included.
ClassNames classes_of(const std::vector<Entry>& entries) {
  std::vector<std::string> labels;
  for (const Entry& entry : entries) {
    labels.push_back(entry.label);
    if (!entry.true_label.empty()) labels.push_back(entry.true_label);
  }
  return ClassNames(labels);
}

/// Adds the images to the training or the test set.
void add_files(const std::vector<Entry>& entries, const ClassNames& classes, const fs::path& folder,
               ImageList& list) {
  const bool has_test =
      std::ranges::any_of(entries, [](const Entry& e) { return e.split == "test"; });
  for (const Entry& entry : entries) {
    LabelledFile file{folder / entry.path, classes.find(entry.label),
                      entry.true_label.empty() ? kUnknownLabel : classes.find(entry.true_label)};
    if (entry.split == "train") {
      list.train.push_back(std::move(file));
    } else if (entry.split == "test" || !has_test) {
      if (file.true_label != kUnknownLabel) file.label = file.true_label;
      list.test.push_back(std::move(file));
    } else {
      list.passed_over.add("rows of the split val, as there is a test", file.path);
    }
  }
}

}  // namespace

ImageList list_manifest(const fs::path& manifest) {
  const std::vector<Entry> entries = read_entries(manifest);
  ImageList list;
  list.name = "csv";
  list.origin = fs::absolute(manifest).lexically_normal().string();
  list.root = manifest.parent_path();
  const ClassNames classes = classes_of(entries);
  list.class_names = classes.names();
  list.warnings = classes.warnings();
  require(list.class_names.size() >= 2, "{}: all labels are '{}'; at least two classes are needed",
          manifest.string(), list.class_names.front());
  add_files(entries, classes, manifest.parent_path(), list);
  return list;
}

Dataset load_manifest(const fs::path& manifest, const TestSplit& split,
                      const ImageSetOptions& options) {
  ImageList list = list_manifest(manifest);
  complete_test_set(list, split);
  return load_image_list(list, options);
}

}  // namespace bptplr
