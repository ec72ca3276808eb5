#include "data/sets/image_manifest.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "data/sets/csv.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Upper limit of classes; a larger number is a mistake, as no data set has as many.
constexpr std::int64_t kMaxClasses = 100'000;

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
    const std::string& field = header.fields[i];
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
      return column == Columns::kNone ? std::string(otherwise) : row->fields[column];
    };
    Entry entry{row->line, field(columns.path, ""), field(columns.label, ""),
                field(columns.true_label, ""), field(columns.split, "train")};
    require(!entry.path.empty() && !entry.label.empty(),
            "{}, line {}: the {} is missing; correct the line", name, entry.line,
            entry.path.empty() ? "path" : "label");
    require(entry.split == "train" || entry.split == "test" || entry.split == "val",
            "{}, line {}: the split is '{}', but must be train, test or val", name, entry.line,
            entry.split);
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// Returns the class number that a label spells, or -1.
std::int64_t class_number(std::string_view label) {
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), number);
  const bool whole = error == std::errc() && end == label.data() + label.size();
  return whole && number >= 0 && number < kMaxClasses ? number : -1;
}

/// Mapping from labels to classes.
class Vocabulary {
 public:
  explicit Vocabulary(const std::vector<Entry>& entries) {
    std::set<std::string> labels;
    for (const Entry& entry : entries) {
      labels.insert(entry.label);
      if (!entry.true_label.empty()) labels.insert(entry.true_label);
    }
    are_numbers_ = std::ranges::all_of(labels, [](const auto& l) { return class_number(l) >= 0; });
    if (!are_numbers_) names_.assign(labels.begin(), labels.end());
    if (are_numbers_) {
      std::int64_t largest = 0;
      for (const std::string& label : labels) largest = std::max(largest, class_number(label));
      for (std::int64_t c = 0; c <= largest; ++c) names_.push_back(std::to_string(c));
    }
  }

  const std::vector<std::string>& names() const { return names_; }
  /// Returns the class of a label that the table contains; kUnknownLabel for an empty one.
  std::int64_t number(const std::string& label) const {
    if (label.empty()) return kUnknownLabel;
    if (are_numbers_) return class_number(label);
    return std::lower_bound(names_.begin(), names_.end(), label) - names_.begin();
  }

 private:
  bool are_numbers_ = false;
  std::vector<std::string> names_;  ///< ascending as text unless labels are numbers
};

/// Adds the images to the training or the test set.
void add_files(const std::vector<Entry>& entries, const Vocabulary& classes, const fs::path& folder,
               ImageList& list) {
  const bool has_test =
      std::ranges::any_of(entries, [](const Entry& e) { return e.split == "test"; });
  for (const Entry& entry : entries) {
    LabelledFile file{folder / entry.path, classes.number(entry.label),
                      classes.number(entry.true_label)};
    if (entry.split == "train") {
      list.train.push_back(std::move(file));
    } else if (entry.split == "test" || !has_test) {
      if (file.true_label != kUnknownLabel) file.label = file.true_label;
      list.test.push_back(std::move(file));
    }
  }
}

}  // namespace

ImageList list_manifest(const fs::path& manifest) {
  const std::vector<Entry> entries = read_entries(manifest);
  ImageList list;
  list.name = "csv";
  list.origin = fs::absolute(manifest).lexically_normal().string();
  const Vocabulary classes(entries);
  list.class_names = classes.names();
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
