#include "bpt_plr/run/run_data.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "bpt_plr/train/data_record.hpp"
#include "data/noise/noise.hpp"
#include "data/subset.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

void warn(const LoadReport& report, const std::string& sentence) {
  if (report.warning) report.warning(sentence);
}

/// Returns the data set as the recipe says, all of it, with the run's channel statistics.
Dataset load_all(const RunFolder& run, const Recipe& recipe, const LoadReport& report) {
  Dataset dataset = load_dataset(recipe, report);
  const Dataset about = run.read_classes();
  require(
      dataset.class_names == about.class_names,
      "the classes of {} are {}, but the run in {} has {}; name the data it was trained on with "
      "--data_path, or train again",
      dataset.root.empty() ? dataset.name : dataset.root, fmt::join(dataset.class_names, ", "),
      run.path().string(), fmt::join(about.class_names, ", "));
  dataset.mean = about.mean;
  dataset.std = about.std;
  return dataset;
}

/// Images of one part of the run among all that there are now.
struct Found {
  DataMatch match;
  const char* part;
};

/// Split of the run, and whether a list of its labels would fit the files that there are now.
struct Reloaded {
  Split split;
  bool files_changed = false;
};

/// Returns a split of those images, in the run's order, with the labels that they had.
Split take(const Dataset& dataset, const Split& pool, const Found& found,
           std::span<const RecordedImage> recorded) {
  const std::vector<std::int64_t>& places = found.match.places;
  std::vector<std::int64_t> all(static_cast<std::size_t>(pool.images.count));
  std::iota(all.begin(), all.end(), 0);
  Split split = places == all ? pool : select(pool, places);
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    const auto name = std::ranges::find(dataset.class_names, recorded[i].label);
    require(name != dataset.class_names.end(),
            "the record of the run's data names a class '{}' that there is not; train again",
            recorded[i].label);
    split.labels[i] = name - dataset.class_names.begin();
  }
  return split;
}

void check(const RunFolder& run, const Dataset& dataset, const Found& found) {
  const std::string where = dataset.root.empty() ? dataset.name : dataset.root;
  require(found.match.lost == 0,
          "{}: {} of the {} {} images of the run in {} are gone or changed since: {}; put them "
          "back, name the data as they were with --data_path, or train again",
          where, found.match.lost, found.match.places.size(), found.part, run.path().string(),
          found.match.changes);
}

/// Images of both splits of a set, which `test_split` may divide in another way than it did.
struct Pool {
  Split all;
  std::vector<RecordedImage> records;
};

/// Returns the images among which those of a split are to be found.
Pool pool_of(const Dataset& dataset, DataRecord now, bool is_test, bool both) {
  Split first = is_test ? dataset.test : dataset.train;
  std::vector<RecordedImage> records = std::move(is_test ? now.test : now.train);
  if (!both) return {std::move(first), std::move(records)};
  first.true_labels.resize(first.labels.size(), -1);
  Split second = is_test ? dataset.train : dataset.test;
  second.true_labels.resize(second.labels.size(), -1);
  std::vector<RecordedImage> others = std::move(is_test ? now.train : now.test);
  records.insert(records.end(), others.begin(), others.end());
  return {joined(first, second), std::move(records)};
}

/// Finds a part of the run's images, and takes it if none is lost.
Reloaded reload_split(const RunFolder& run, const Dataset& dataset, const DataRecord& now,
                      std::span<const RecordedImage> recorded, bool is_test, const Recipe& recipe,
                      const LoadReport& report) {
  const char* part = is_test ? "test" : "training";
  const auto& usual = is_test ? now.test : now.train;
  Found found{match_images(recorded, usual), part};
  if (found.match.is_same()) return {is_test ? dataset.test : dataset.train};
  const bool both = recipe.test_split > 0.0;
  const Pool pool = pool_of(dataset, now, is_test, both);
  if (both) found.match = match_images(recorded, pool.records);
  check(run, dataset, found);
  const bool is_part = recipe.subset > 0 || both;  // others were always there
  if (found.match.moved > 0 || (found.match.added > 0 && !is_part)) {
    warn(report, fmt::format("since the run in {} its {} images have changed: {}; what is said of "
                             "them goes by the images and labels that it had",
                             run.path().string(), part, found.match.changes));
  }
  return {take(dataset, pool.all, found, recorded),
          !found.match.in_order || (found.match.added > 0 && !is_part)};
}

}  // namespace

TrainingData reload_data(const RunFolder& run, const Recipe& recipe, const LoadReport& report) {
  const std::optional<DataRecord> record = run.read_data_record();
  if (!record) {
    warn(report, fmt::format("the run in {} is of a version that did not record its data, so "
                             "whether {} has changed since is not known",
                             run.path().string(),
                             recipe.data_path.empty() ? "its data set" : recipe.data_path));
    return reload_training_data(recipe, run.noise_file(), report);
  }
  TrainingData data;
  data.dataset = load_all(run, recipe, report);
  const DataRecord now = record_data(data.dataset);
  Reloaded train = reload_split(run, data.dataset, now, record->train, false, recipe, report);
  Reloaded test = reload_split(run, data.dataset, now, record->test, true, recipe, report);
  data.dataset.train = std::move(train.split);
  data.dataset.test = std::move(test.split);
  data.files_changed = train.files_changed;
  data.true_labels = known_truth(recipe, data.dataset.train);
  data.noisy_labels =
      read_noise_file(run.noise_file(), std::ssize(record->train), data.dataset.num_classes());
  return data;
}

Dataset reload_test_data(const RunFolder& run, const Recipe& recipe, const LoadReport& report) {
  const std::optional<DataRecord> record = run.read_data_record();
  if (!record) return load_dataset(recipe, report);
  Dataset dataset = load_all(run, recipe, report);
  dataset.test =
      reload_split(run, dataset, record_data(dataset), record->test, true, recipe, report).split;
  return dataset;
}

void require_recorded_data(const RunFolder& run, const TrainingData& data) {
  const std::optional<DataRecord> record = run.read_data_record();
  if (!record) return;
  const DataRecord now = record_data(data.dataset);
  for (const auto& [part, recorded, present] : {std::tuple("training", &record->train, &now.train),
                                                std::tuple("test", &record->test, &now.test)}) {
    const DataMatch match = match_images(*recorded, *present);
    const bool same_labels =
        std::ranges::equal(*recorded, *present, {}, &RecordedImage::label, &RecordedImage::label);
    require(match.lost + match.added == 0 && match.in_order && same_labels,
            "the {} images or labels are not those of the run in {}: {}; name them with "
            "--data_path, or choose another --out",
            part, run.path().string(),
            match.changes.empty() ? "they are in another order" : match.changes);
  }
}

}  // namespace bptplr
