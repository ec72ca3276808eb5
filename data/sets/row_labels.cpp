#include "data/sets/row_labels.hpp"

#include <limits>
#include <utility>

#include "data/class_names.hpp"
#include "data/noise/label_file.hpp"
#include "data/sets/manifest_rows.hpp"
#include "engine/error.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Returns the file of labels that belongs to an array by its name; empty if there is none.
fs::path labels_beside(const fs::path& features) {
  const std::string stem = (features.parent_path() / features.stem()).string();
  for (const char* ending : {".csv", "_labels.csv", "_labels.json", "_labels.npy", "_labels.txt"}) {
    if (is_file(stem + ending)) return stem + ending;
  }
  return {};
}

RowLabels labels_of_table(const fs::path& path) {
  const std::vector<ManifestRow> rows = read_manifest(path, NeedsPath::kNo);
  const ClassNames classes = classes_of(rows);
  RowLabels labels;
  labels.class_names = classes.names();
  for (const ManifestRow& row : rows) {
    labels.labels.push_back(classes.find(row.label));
    labels.true_labels.push_back(row.true_label.empty() ? kUnknownLabel
                                                        : classes.find(row.true_label));
    if (!row.path.empty()) labels.files.push_back((path.parent_path() / row.path).string());
    labels.is_test.push_back(row.split != "train");
  }
  return labels;
}

RowLabels labels_of_file(const fs::path& path) {
  if (path.extension() == ".csv") return labels_of_table(path);
  const std::vector<LabelList> lists = read_label_lists(path);
  const LabelList& list = only_list(lists, path);
  RowLabels labels;
  labels.labels = checked_labels(list, path, list.count, std::numeric_limits<std::int64_t>::max());
  return labels;
}

}  // namespace

std::vector<std::int64_t> integers_of(const StoredTensor& array, const std::string& file) {
  const Tensor tensor = tensor_of(*array.type, array.shape, array.bytes);
  std::vector<std::int64_t> labels;
  if (tensor.dtype() == DType::kInt64) {
    const auto values = tensor.span<std::int64_t>();
    labels.assign(values.begin(), values.end());
  } else if (tensor.dtype() == DType::kUint8) {
    const auto values = tensor.span<std::uint8_t>();
    labels.assign(values.begin(), values.end());
  }
  require(std::ssize(labels) == tensor.numel(),
          "{}: its labels are no integers; save y.astype('int64'), or a table with the column "
          "label",
          file);
  return labels;
}

RowLabels row_labels(const ArrayFile& opened, const std::string& file, std::int64_t count,
                     const fs::path& named, const char* flag) {
  RowLabels labels;
  const fs::path beside = named.empty() ? labels_beside(file) : named;
  std::string origin = file;
  if (const StoredTensor* array = opened.find({"labels", "y"}); named.empty() && array != nullptr) {
    labels.labels = integers_of(*array, file);
    if (const StoredTensor* truth = opened.find({"true_labels"})) {
      labels.true_labels = integers_of(*truth, file);
    }
  } else {
    require(!beside.empty(),
            "{} has no labels: name their file with {} (a list of integers as JSON, text, .npy or "
            ".pt, or a CSV table with the column label), or put it beside as {}.csv",
            file, flag, fs::path(file).stem().string());
    labels = labels_of_file(beside);
    origin = beside.string();
  }
  const bool has_truth = !labels.true_labels.empty();
  require(std::ssize(labels.labels) == count &&
              (!has_truth || labels.true_labels.size() == labels.labels.size()),
          "{}: {} labels for the {} rows of {}; there must be one a row, in the same order", origin,
          labels.labels.size(), count, file);
  return labels;
}

void RowLabels::renumber(const std::vector<std::string>& train_class_names,
                         const std::string& file) {
  require(class_names.empty() == train_class_names.empty(),
          "{}: labels of training and test rows must both be names in tables or both be numbers",
          file);
  if (class_names.empty()) return;
  const ClassNames classes(train_class_names);
  const auto number = [&](std::int64_t label) {
    const std::string& name = class_names[static_cast<std::size_t>(label)];
    const std::int64_t found = classes.find(name);
    require(found >= 0, "{}: '{}' is no class of the training rows; correct it", file, name);
    return found;
  };
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool known = true_labels[i] >= 0;
    labels[i] = number(known ? true_labels[i] : labels[i]);
  }
}

}  // namespace bptplr
