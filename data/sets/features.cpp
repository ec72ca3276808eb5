#include "data/sets/features.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "data/noise/label_file.hpp"
#include "data/sets/manifest_rows.hpp"
#include "data/subset.hpp"
#include "data/vector_statistics.hpp"
#include "engine/error.hpp"
#include "engine/io/array_file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Labels of the rows of a matrix; all but `labels` may be empty.
struct RowLabels {
  std::vector<std::int64_t> labels;
  std::vector<std::int64_t> true_labels;
  std::vector<std::string> files;
  std::vector<bool> is_test;
  std::vector<std::string> class_names;  ///< empty: labels are numbers of classes
};

/// Returns the rows of an array of float16 or float32, in `file` for errors. Elements that are not
/// aligned, as those of a safetensors file may be, are copied.
Vectors vectors_of(const StoredTensor& array, std::shared_ptr<const MappedFile> mapped,
                   const std::string& file) {
  const bool is_half = array.type->numpy == "f2";
  require(is_half || array.type->numpy == "f4",
          "{}: features are float16 or float32, but these are of another type; save "
          "X.astype('float32')",
          file);
  require(array.shape.size() == 2,
          "{}: features are a matrix with a row for each sample, but this array has {} axes; save "
          "X.reshape(len(X), -1)",
          file, array.shape.size());
  Vectors vectors;
  vectors.count = array.shape[0];
  vectors.dim = array.shape[1];
  vectors.type = is_half ? kernels::VectorType::kFloat16 : kernels::VectorType::kFloat32;
  require(vectors.count >= 1 && vectors.dim >= 1 && vectors.dim <= kMaxFeatures,
          "{}: a matrix of {} x {}, but there must be at least one row, and 1 to {} values in each",
          file, vectors.count, vectors.dim, kMaxFeatures);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(array.bytes.data());
  if (reinterpret_cast<std::uintptr_t>(bytes) % array.type->bytes == 0) {
    vectors.bytes = {bytes, array.bytes.size()};
    vectors.owner = std::move(mapped);
    vectors.on_disk = true;
  } else {
    const auto copy =
        std::make_shared<const std::vector<std::uint8_t>>(bytes, bytes + array.bytes.size());
    vectors.bytes = *copy;
    vectors.owner = copy;
  }
  return vectors;
}

/// Matrix of features, and the file that it is in.
struct Matrix {
  ArrayFile opened;
  std::string file;
  Vectors vectors;
};

Matrix open_matrix(const fs::path& path) {
  Matrix matrix{open_arrays(path), path.string(), {}};
  const StoredTensor* array = matrix.opened.find({"", "features", "x", "X"});
  require(array != nullptr,
          "{}: it has no array called features, x or X; save the matrix under one of these names",
          matrix.file);
  matrix.vectors = vectors_of(*array, matrix.opened.file, matrix.file);
  return matrix;
}

/// Reads the integers of an array of labels.
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

/// Returns the file of labels that belongs to a matrix by its name; empty if there is none.
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

/// Returns the labels of a matrix: of the file named, else of its own arrays, else of what lies
/// beside it.
RowLabels labels_of(const Matrix& matrix, const fs::path& named, const char* flag) {
  RowLabels labels;
  const fs::path beside = named.empty() ? labels_beside(matrix.file) : named;
  std::string origin = matrix.file;
  if (const StoredTensor* array = matrix.opened.find({"labels", "y"});
      named.empty() && array != nullptr) {
    labels.labels = integers_of(*array, matrix.file);
    if (const StoredTensor* truth = matrix.opened.find({"true_labels"})) {
      labels.true_labels = integers_of(*truth, matrix.file);
    }
  } else {
    require(!beside.empty(),
            "{} has no labels: name their file with {} (a list of integers as JSON, text, .npy or "
            ".pt, or a CSV table with the column label), or put it beside as {}.csv",
            matrix.file, flag, fs::path(matrix.file).stem().string());
    labels = labels_of_file(beside);
    origin = beside.string();
  }
  const bool has_truth = !labels.true_labels.empty();
  require(std::ssize(labels.labels) == matrix.vectors.count &&
              (!has_truth || labels.true_labels.size() == labels.labels.size()),
          "{}: {} labels for the {} rows of {}; there must be one a row, in the same order", origin,
          labels.labels.size(), matrix.vectors.count, matrix.file);
  return labels;
}

Split split_of(Vectors vectors, RowLabels labels, VectorStatistics& statistics) {
  Split split;
  split.vectors = std::move(vectors);
  split.labels = std::move(labels.labels);
  split.true_labels = std::move(labels.true_labels);
  split.files = std::move(labels.files);
  split.hashes = std::move(statistics.hashes);
  return split;
}

/// Returns the rows whose entry is `wanted`.
std::vector<std::int64_t> rows_where(const std::vector<bool>& entries, bool wanted) {
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i] == wanted) rows.push_back(static_cast<std::int64_t>(i));
  }
  return rows;
}

/// Turns a part of the training set into the test set, with true labels where known.
void move_to_test(Dataset& dataset, const std::vector<bool>& is_test) {
  const Split all = std::move(dataset.train);
  dataset.train = select(all, rows_where(is_test, false));
  dataset.test = select(all, rows_where(is_test, true));
  Split& test = dataset.test;
  for (std::size_t i = 0; i < test.true_labels.size(); ++i) {
    if (test.true_labels[i] >= 0) test.labels[i] = test.true_labels[i];
  }
  test.true_labels.clear();
}

/// Names classes by their numbers, as many as the labels of all parts need. Throws Error for a
/// negative label.
std::vector<std::string> numbered_classes(const Dataset& dataset, const std::string& file) {
  std::int64_t last = 0;
  for (const Split* split : {&dataset.train, &dataset.test}) {
    for (const std::int64_t label : split->labels) {
      require(label >= 0, "{}: label {}, but classes are numbered from 0; correct it", file, label);
      last = std::max(last, label);
    }
    for (const std::int64_t label : split->true_labels) last = std::max(last, label);
  }
  require(last < kMaxClasses,
          "{}: label {}, but there may be {} classes at most; number them from 0", file, last,
          kMaxClasses);
  std::vector<std::string> names;
  for (std::int64_t c = 0; c <= last; ++c) names.push_back(fmt::format("{}", c));
  return names;
}

/// Gives the labels of the test part the numbers that the training part's classes have.
void renumber(RowLabels& test, const std::vector<std::string>& class_names,
              const std::string& file) {
  require(test.class_names.empty() == class_names.empty(),
          "{}: labels of training and test rows must both be names in tables or both be numbers",
          file);
  if (class_names.empty()) return;
  const ClassNames classes(class_names);
  const auto number = [&](std::int64_t label) {
    const std::string& name = test.class_names[static_cast<std::size_t>(label)];
    const std::int64_t found = classes.find(name);
    require(found >= 0, "{}: '{}' is no class of the training rows; correct it", file, name);
    return found;
  };
  for (std::size_t i = 0; i < test.labels.size(); ++i) {
    const bool known = test.true_labels[i] >= 0;
    test.labels[i] = number(known ? test.true_labels[i] : test.labels[i]);
  }
}

/// Loads the test part from files or arrays of its own, if there are any.
bool load_test(const FeatureFiles& files, const Matrix& train,
               const std::vector<std::string>& class_names, const LoadReport& report,
               Dataset& dataset) {
  Matrix test;
  RowLabels labels;
  if (!files.test_features.empty()) {
    test = open_matrix(files.test_features);
    labels = labels_of(test, files.test_labels, "--test_labels");
  } else if (const StoredTensor* array = train.opened.find({"test_features", "x_test", "X_test"})) {
    test = {train.opened, train.file, vectors_of(*array, train.opened.file, train.file)};
    const StoredTensor* stored = train.opened.find({"test_labels", "y_test"});
    require(stored != nullptr, "{}: its test features have no array test_labels; add it",
            train.file);
    labels.labels = integers_of(*stored, train.file);
    require(std::ssize(labels.labels) == test.vectors.count,
            "{}: {} test labels for {} test rows; there must be one a row", train.file,
            labels.labels.size(), test.vectors.count);
  } else {
    return false;
  }
  require(test.vectors.dim == train.vectors.dim,
          "{} has {} values in a row, but {} has {}; compute both with the same network", test.file,
          test.vectors.dim, train.file, train.vectors.dim);
  renumber(labels, class_names, test.file);
  labels.true_labels.clear();
  VectorStatistics statistics = vector_statistics(test.vectors, test.file, report);
  dataset.test = split_of(std::move(test.vectors), std::move(labels), statistics);
  return true;
}

}  // namespace

Dataset load_features(const FeatureFiles& files, const TestSplit& split, const LoadReport& report) {
  Matrix matrix = open_matrix(files.features);
  RowLabels labels = labels_of(matrix, files.labels, "--labels");
  Dataset dataset;
  dataset.name = "features";
  dataset.class_names = labels.class_names;
  if (!labels.files.empty()) dataset.root = fs::path(labels.files.front()).parent_path().string();
  std::vector<bool> is_test = labels.is_test;
  const bool has_rows = std::ranges::count(is_test, true) > 0;
  const bool has_test = load_test(files, matrix, dataset.class_names, report, dataset);
  require(!(has_test && has_rows) && !((has_test || has_rows) && split.fraction > 0.0),
          "{}: there is more than one test part; name one of test features, rows of the split test "
          "and --test_split",
          matrix.file);
  matrix.vectors.root = are_nonnegative(matrix.vectors);
  dataset.test.vectors.root = matrix.vectors.root;
  VectorStatistics statistics = vector_statistics(matrix.vectors, matrix.file, report);
  dataset.train = split_of(matrix.vectors, std::move(labels), statistics);
  if (dataset.class_names.empty()) {
    dataset.class_names = numbered_classes(dataset, matrix.file);
  }
  require(dataset.num_classes() >= 2, "{}: all labels are '{}'; at least two classes are needed",
          matrix.file, dataset.class_names.front());
  if (split.fraction > 0.0) {
    is_test = drawn_test_rows(dataset.train.labels, dataset.num_classes(), split);
  }
  if (has_rows || split.fraction > 0.0) {
    move_to_test(dataset, is_test);
    require(dataset.train.size() > 0, "{}: all rows are of the split test; some must be train",
            matrix.file);
    statistics = vector_statistics(dataset.train.vectors, matrix.file, report);
  }
  if (dataset.test.size() == 0) dataset.test = select(dataset.train, {});  // vectors like these
  dataset.mean = std::move(statistics.mean);
  dataset.std = std::move(statistics.std);
  return dataset;
}

}  // namespace bptplr
