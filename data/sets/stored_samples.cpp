#include "data/sets/stored_samples.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "data/class_names.hpp"
#include "data/sets/row_labels.hpp"
#include "data/subset.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Samples without labels, and the file that they are in.
struct Stored {
  ArrayFile opened;
  std::string file;
  Split samples;
};

Stored open_samples(const StoredKind& kind, const fs::path& path) {
  Stored stored{open_arrays(path), path.string(), {}};
  const StoredTensor* array = stored.opened.find(kind.names);
  require(array != nullptr,
          "{}: it has no array called {}; save the samples under one of these names", stored.file,
          kind.array);
  stored.samples = kind.samples(*array, stored.opened.file, stored.file);
  return stored;
}

Split labelled(Split samples, RowLabels labels) {
  samples.labels = std::move(labels.labels);
  samples.true_labels = std::move(labels.true_labels);
  // Unknown, as of image files without any: empty would mean that the labels are true.
  if (samples.true_labels.empty()) samples.true_labels.assign(samples.labels.size(), kUnknownLabel);
  samples.files = std::move(labels.files);
  return samples;
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

/// Returns the number of classes that the labels of all parts need. Throws Error for a negative
/// label.
std::int64_t needed_classes(const Dataset& dataset, const std::string& file) {
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
  return last + 1;
}

/// Returns the names of classes that are numbers: the lines of NAME_classes.txt beside the file,
/// else the numbers themselves.
std::vector<std::string> numbered_classes(const Dataset& dataset, const std::string& file) {
  const std::int64_t needed = needed_classes(dataset, file);
  std::vector<std::string> names;
  const fs::path beside = fs::path(file).replace_extension().string() + "_classes.txt";
  if (!is_file(beside)) {
    for (std::int64_t c = 0; c < needed; ++c) names.push_back(fmt::format("{}", c));
    return names;
  }
  std::istringstream lines(read_file(beside));
  for (std::string line; std::getline(lines, line);) names.push_back(normal_name(line));
  require(
      std::ssize(names) >= needed && std::ssize(names) <= kMaxClasses,
      "{}: {} names, but the labels of {} need {}, and there may be {} at most; write a line for "
      "each class",
      beside.string(), names.size(), file, needed, kMaxClasses);
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  require(twice == sorted.end(), "{}: '{}' is there twice; name each class once", beside.string(),
          twice == sorted.end() ? "" : *twice);
  return names;
}

/// Loads the test part from files or arrays of its own, if there are any.
bool load_test(const StoredKind& kind, const SampleFiles& files, const Stored& train,
               Dataset& dataset) {
  Stored test;
  RowLabels labels;
  if (!files.test_samples.empty()) {
    test = open_samples(kind, files.test_samples);
    labels =
        row_labels(test.opened, test.file, test.samples.size(), files.test_labels, "--test_labels");
  } else if (const StoredTensor* array = train.opened.find(kind.test_names)) {
    test = {train.opened, train.file, kind.samples(*array, train.opened.file, train.file)};
    const StoredTensor* stored = train.opened.find({"test_labels", "y_test"});
    require(stored != nullptr, "{}: its test samples have no array test_labels; add it",
            train.file);
    labels.labels = integers_of(*stored, train.file);
    require(std::ssize(labels.labels) == test.samples.size(),
            "{}: {} test labels for {} test rows; there must be one a row", train.file,
            labels.labels.size(), test.samples.size());
  } else {
    return false;
  }
  kind.check_test(train.samples, train.file, test.samples, test.file);
  labels.renumber(dataset.class_names, test.file);
  dataset.test = labelled(std::move(test.samples), std::move(labels));
  dataset.test.true_labels.clear();
  return true;
}

}  // namespace

Dataset load_stored_samples(const StoredKind& kind, const SampleFiles& files,
                            const TestSplit& split, const LoadReport& report) {
  Stored stored = open_samples(kind, files.samples);
  RowLabels labels =
      row_labels(stored.opened, stored.file, stored.samples.size(), files.labels, "--labels");
  Dataset dataset;
  dataset.name = kind.name;
  dataset.class_names = labels.class_names;
  if (!labels.files.empty()) dataset.root = fs::path(labels.files.front()).parent_path().string();
  std::vector<bool> is_test = labels.is_test;
  const bool has_rows = std::ranges::count(is_test, true) > 0;
  const bool has_test = load_test(kind, files, stored, dataset);
  require(
      !(has_test && has_rows) && !((has_test || has_rows) && split.fraction > 0.0),
      "{}: there is more than one test part; name one of --test_features, rows of the split test "
      "and --test_split",
      stored.file);
  dataset.train = labelled(std::move(stored.samples), std::move(labels));
  if (dataset.class_names.empty()) {
    dataset.class_names = numbered_classes(dataset, stored.file);
  }
  require(dataset.num_classes() >= 2, "{}: all labels are '{}'; at least two classes are needed",
          stored.file, dataset.class_names.front());
  if (split.fraction > 0.0) {
    is_test = drawn_test_rows(dataset.train.labels, dataset.num_classes(), split);
  }
  if (has_rows || split.fraction > 0.0) {
    move_to_test(dataset, is_test);
    require(dataset.train.size() > 0, "{}: all rows are of the split test; some must be train",
            stored.file);
  }
  if (dataset.test.size() == 0) dataset.test = select(dataset.train, {});  // samples like these
  kind.describe(dataset, stored.file, report);
  return dataset;
}

}  // namespace bptplr
