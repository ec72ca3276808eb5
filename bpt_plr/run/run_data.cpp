#include "bpt_plr/run/run_data.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "bpt_plr/run/data_record.hpp"
#include "data/class_names.hpp"
#include "data/noise/noise.hpp"
#include "data/subset.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Number of classes that a sentence names.
constexpr std::size_t kShown = 12;

void warn(const LoadReport& report, const std::string& sentence) {
  if (report.warning) report.warning(sentence);
}

/// Warns of a run of a version that did not record its data.
void warn_of_no_record(const RunFolder& run, const Recipe& recipe, const LoadReport& report) {
  warn(report,
       fmt::format("the run in {} is of a version that did not record its data, so whether {} has "
                   "changed since is not known",
                   run.path().string(),
                   recipe.data_path.empty() ? "its data set" : recipe.data_path));
}

/// Returns the data set as the recipe says, all of it, with the run's channel statistics.
Dataset load_all(const RunFolder& run, const Recipe& recipe, const LoadReport& report) {
  Dataset dataset = load_dataset(recipe, report);
  const Dataset about = run.read_classes();
  require(
      dataset.class_names == about.class_names,
      "the classes of {} are {}, but the run in {} has {}; name the data it was trained on with "
      "--data_path, or train again",
      dataset.root.empty() ? dataset.name : dataset.root,
      numbered_names(dataset.class_names, kShown), run.path().string(),
      numbered_names(about.class_names, kShown));
  dataset.train.vectors.root = dataset.test.vectors.root = about.train.vectors.root;
  dataset.mean = about.mean;
  dataset.std = about.std;
  return dataset;
}

/// Split of the run, and whether a list of its labels would fit the files that there are now.
struct Reloaded {
  Split split;
  bool files_changed = false;
};

/// Images among which those of a run are to be found.
struct Pool {
  Split split;
  std::vector<RecordedImage> records;
};

/// Finds the images of a run in its data set as it is now.
class RunImages {
 public:
  RunImages(const RunFolder& run, const Dataset& dataset, const Recipe& recipe,
            const LoadReport& report)
      : run_(run),
        dataset_(dataset),
        recipe_(recipe),
        report_(report),
        now_(record_data(dataset)) {}

  /// Returns a part of the run. Throws Error if an image of it is gone.
  Reloaded reload(std::span<const RecordedImage> recorded, bool is_test) const {
    const char* part = is_test ? "test" : "training";
    // Of a part of the images, and of splits that are drawn, others have always been there.
    const bool is_subset = !is_test && recipe_.subset > 0;
    const bool is_drawn = recipe_.test_split > 0.0;
    Pool pool = pool_of(is_test);
    DataMatch match = match_images(recorded, pool.records, !is_subset);
    if (match.changes.empty() && match.places == usual_places(is_test)) {
      return {is_subset ? select(pool.split, match.places) : std::move(pool.split)};
    }
    if (is_drawn) {
      add(pool, pool_of(!is_test));
      match = match_images(recorded, pool.records, false);
    }
    require_all(match, part);
    if (!match.changes.empty()) {
      warn(report_,
           fmt::format("since the run in {} its {} images have changed: {}; what is said of "
                       "them goes by the images and labels that it had",
                       run_.path().string(), part, match.changes));
    }
    const bool in_place = !is_drawn && match.added == 0 && match.places == usual_places(is_test);
    return {take(pool.split, match.places, recorded), !in_place};
  }

 private:
  Pool pool_of(bool is_test) const {
    return is_test ? Pool{dataset_.test, now_.test} : Pool{dataset_.train, now_.train};
  }

  static void add(Pool& pool, Pool others) {
    for (Split* split : {&pool.split, &others.split}) {
      split->true_labels.resize(split->labels.size(), -1);
    }
    pool.split = joined(pool.split, others.split);
    pool.records.insert(pool.records.end(), std::make_move_iterator(others.records.begin()),
                        std::make_move_iterator(others.records.end()));
  }

  /// Returns where the images of a part are as long as nothing has changed.
  std::vector<std::int64_t> usual_places(bool is_test) const {
    if (!is_test) return training_subset(recipe_, dataset_.train.labels, dataset_.num_classes());
    std::vector<std::int64_t> all(dataset_.test.labels.size());
    std::iota(all.begin(), all.end(), 0);
    return all;
  }

  void require_all(const DataMatch& match, const char* part) const {
    require(match.lost == 0,
            "{}: {} of the {} {} images of the run in {} are gone or changed since: {}; put them "
            "back, name the data as they were with --data_path, or train again",
            dataset_.root.empty() ? dataset_.name : dataset_.root, match.lost, match.places.size(),
            part, run_.path().string(), match.changes);
  }

  /// Returns images in the run's order, with the labels that they had.
  Split take(const Split& from, std::span<const std::int64_t> places,
             std::span<const RecordedImage> recorded) const {
    Split split = select(from, places);
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      const auto name = std::ranges::find(dataset_.class_names, recorded[i].label);
      require(name != dataset_.class_names.end(),
              "the record of the data in {} names a class '{}' that there is not; train again",
              run_.path().string(), recorded[i].label);
      split.labels[i] = name - dataset_.class_names.begin();
    }
    return split;
  }

  const RunFolder& run_;
  const Dataset& dataset_;
  const Recipe& recipe_;
  const LoadReport& report_;
  DataRecord now_;
};

}  // namespace

TrainingData reload_data(const RunFolder& run, const Recipe& recipe, const LoadReport& report) {
  const std::optional<DataRecord> record = run.read_data_record();
  if (!record) {
    warn_of_no_record(run, recipe, report);
    return reload_training_data(recipe, run.noise_file(), report);
  }
  TrainingData data;
  data.dataset = load_all(run, recipe, report);
  const RunImages images(run, data.dataset, recipe, report);
  Reloaded train = images.reload(record->train, false);
  Reloaded test = images.reload(record->test, true);
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
  if (!record) {
    warn_of_no_record(run, recipe, report);
    return load_dataset(recipe, report);
  }
  Dataset dataset = load_all(run, recipe, report);
  Reloaded test = RunImages(run, dataset, recipe, report).reload(record->test, true);
  dataset.test = std::move(test.split);
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
    require(match.changes.empty() && std::ranges::is_sorted(match.places) && same_labels,
            "the {} images or labels are not those of the run in {}: {}; name them with "
            "--data_path, or choose another --out",
            part, run.path().string(),
            match.changes.empty() ? "they are in another order" : match.changes);
  }
}

}  // namespace bptplr
