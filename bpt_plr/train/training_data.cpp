#include "bpt_plr/train/training_data.hpp"

#include <cmath>
#include <numeric>
#include <utility>

#include "bpt_plr/method/prototypes.hpp"
#include "bpt_plr/recipe/checks.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "data/class_names.hpp"
#include "data/noise/human_labels.hpp"
#include "data/noise/instance_noise.hpp"
#include "data/noise/keyed_labels.hpp"
#include "data/noise/label_file.hpp"
#include "data/noise/noise.hpp"
#include "data/sets/dataset_table.hpp"
#include "data/subset.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Data that a recipe trains on, before label noise is generated.
struct TrainingPart {
  TrainingData data;                   ///< without noisy labels
  std::vector<std::int64_t> official;  ///< labels of the whole training set
  std::vector<std::int64_t> subset;    ///< samples of it that are used
};

/// Reads the labels in `noise_file`: told by path, or a list for the images that are used, for the
/// whole training set, or for that with the files that were left out of it.
std::vector<std::int64_t> labels_from_file(const Recipe& recipe, const TrainingPart& part) {
  const std::filesystem::path file(recipe.noise_file);
  const Dataset& dataset = part.data.dataset;
  if (const auto keyed = read_keyed_labels(file)) {
    return labels_by_path(*keyed, recipe.noise_file, dataset, dataset.train);
  }
  const std::vector<LabelList> lists = read_label_lists(file);
  const LabelList& list = only_list(lists, file);
  const std::int64_t classes = dataset.num_classes();
  const ListedRows& listed = dataset.train.listed;
  const auto read = [&](std::int64_t count) { return checked_labels(list, file, count, classes); };
  const auto used = std::ssize(part.subset);
  if (list.count != used && list.count == std::ssize(part.official)) {
    require_same_truth(lists, file, part.official);
    return select(read(list.count), part.subset);
  }
  if (list.count != used && listed.count > 0 && list.count == listed.count) {
    return select(read(list.count), listed.kept);
  }
  if (used == std::ssize(part.official)) require_same_truth(lists, file, part.official);
  return read(used);
}

std::vector<std::int64_t> human_labels(const Recipe& recipe, const TrainingPart& part) {
  const std::string& path = recipe.human_path.empty() ? recipe.data_path : recipe.human_path;
  return select(
      read_human_labels(path, recipe.human_set, part.data.dataset.num_classes(), part.official),
      part.subset);
}

/// Returns noisy labels, generated from the true ones of `dataset.train`.
std::vector<std::int64_t> make_noisy(const Recipe& recipe, const Dataset& dataset,
                                     const LoadReport& report) {
  const std::vector<std::int64_t>& labels = dataset.train.labels;
  const auto seed = static_cast<std::uint64_t>(recipe.seed);
  switch (recipe.noise_mode) {
    case NoiseMode::kSym:
      return symmetric_noise(labels, dataset.num_classes(), recipe.r, seed);
    case NoiseMode::kAsym:
      return dataset_info(recipe.dataset).asymmetric_noise(labels, recipe.r, seed);
    case NoiseMode::kInstance:
      return instance_noise(dataset.train, labels, dataset.num_classes(), dataset.mean, dataset.std,
                            recipe.r, seed, report);
    case NoiseMode::kAuto:
    case NoiseMode::kHuman:
    case NoiseMode::kNone:
      break;
  }
  return labels;
}

/// Returns the labels to train on.
std::vector<std::int64_t> noisy_labels(const Recipe& recipe, const TrainingPart& part,
                                       const LoadReport& report) {
  if (!recipe.noise_file.empty()) return labels_from_file(recipe, part);
  if (recipe.noise_mode == NoiseMode::kHuman) return human_labels(recipe, part);
  return make_noisy(recipe, part.data.dataset, report);
}

/// Warns of labels from a file that agree with the data set's own as often as those of images in
/// any other order would.
void warn_of_chance(const TrainingData& data, const LoadReport& report) {
  const std::vector<std::int64_t>& own = data.dataset.train.labels;
  const auto n = static_cast<double>(own.size());
  const auto classes = static_cast<std::size_t>(data.dataset.num_classes());
  std::vector<double> of_own(classes);
  std::vector<double> of_file(classes);
  double same = 0.0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    same += own[i] == data.noisy_labels[i] ? 1.0 : 0.0;
    of_own[static_cast<std::size_t>(own[i])] += 1.0;
    of_file[static_cast<std::size_t>(data.noisy_labels[i])] += 1.0;
  }
  const double expected =
      std::inner_product(of_own.begin(), of_own.end(), of_file.begin(), 0.0) / n;
  const double deviation = std::sqrt(expected * (1.0 - expected / n));
  if (same > expected + 3.0 * deviation || !report.warning) return;
  report.warning(fmt::format(
      "the labels of the file are the data set's own for {:.1f} % of the images, no more than "
      "chance makes it: is the file in the order of these images, and of these classes ({})?",
      100.0 * same / n, numbered_names(data.dataset.class_names, 5)));
}

void check_classes(const Recipe& recipe, const std::string& name, std::int64_t classes) {
  require(recipe.num_class == 0 || classes == recipe.num_class,
          "num_class is {}, but {} has {} classes", recipe.num_class, name, classes);
}

/// Throws Error if the files of a set do not fit the recipe.
void check_list(const Recipe& recipe, const ImageList& list) {
  const std::int64_t classes = std::ssize(list.class_names);
  check_classes(recipe, list.name, classes);
  Recipe known = recipe;
  known.num_class = classes;
  resolve(known);
  std::vector<std::int64_t> labels;
  labels.reserve(list.train.size());
  for (const LabelledFile& file : list.train) labels.push_back(file.label);
  require(!labels.empty(), "{}: there are no training images; add some", list.origin);
  const auto subset = training_subset(recipe, labels, classes);
  const bool trains_on_them = known.noise_mode == NoiseMode::kNone && recipe.noise_file.empty();
  if (trains_on_them && will_use_prototypes(known)) {
    require_every_class(select(labels, subset), list.class_names);
  }
  if (!recipe.noise_file.empty() && !read_keyed_labels(recipe.noise_file)) {
    only_list(read_label_lists(recipe.noise_file), recipe.noise_file);
  }
}

constexpr double kGib = 1U << 30U;
using ListCheck = void (*)(const Recipe& recipe, const ImageList& list);

DatasetConfig dataset_config(const Recipe& recipe, const LoadReport& report, ListCheck check) {
  return {.kind = recipe.dataset,
          .path = recipe.data_path,
          .images = {static_cast<int>(recipe.image_size), recipe.exif == UseExif::kTrue,
                     recipe.cache_dir, recipe.on_bad_image, report,
                     [&recipe, check](const ImageList& list) { check(recipe, list); },
                     static_cast<std::int64_t>(recipe.cache_limit * kGib)},
          .test_split = {recipe.test_split, static_cast<std::uint64_t>(recipe.seed)},
          .files = {recipe.data_path, recipe.labels, recipe.test_features, recipe.test_labels},
          .report = report,
          .shapes_train = recipe.shapes_train,
          .shapes_test = recipe.shapes_test};
}

TrainingPart load_part(const Recipe& recipe, const LoadReport& report) {
  TrainingPart part;
  part.data.dataset = load_dataset(dataset_config(recipe, report, check_list));
  check_classes(recipe, part.data.dataset.name, part.data.dataset.num_classes());
  Split& train = part.data.dataset.train;
  if (recipe.dataset == DatasetKind::kArrays) {
    check_sides(recipe, train.images.height, train.images.width);
  }
  part.official = train.labels;
  part.subset = training_subset(recipe, train.labels, part.data.dataset.num_classes());
  if (part.subset.size() != part.official.size()) train = select(train, part.subset);
  part.data.true_labels = known_truth(recipe, train);
  return part;
}

}  // namespace

std::string noise_name(const Recipe& recipe) {
  if (!recipe.noise_file.empty()) return "file";
  if (recipe.noise_mode == NoiseMode::kNone) return "none";
  if (recipe.noise_mode == NoiseMode::kHuman) {
    const bool is_one_of_several = dataset_info(recipe.dataset).human_label_sets > 1;
    return is_one_of_several ? fmt::format("human_{}", recipe.human_set) : "human";
  }
  return fmt::format("{}{:g}", recipe.noise_mode, 100.0 * recipe.r);
}

std::vector<std::int64_t> training_subset(const Recipe& recipe,
                                          const std::vector<std::int64_t>& labels,
                                          std::int64_t num_classes) {
  const std::int64_t count = recipe.subset == 0 ? std::ssize(labels) : recipe.subset;
  return balanced_subset(labels, num_classes, count, static_cast<std::uint64_t>(recipe.seed));
}

std::vector<std::int64_t> known_truth(const Recipe& recipe, const Split& train) {
  if (train.true_labels.empty()) return train.labels;
  std::vector<std::int64_t> truth = train.true_labels;
  if (recipe.noise_mode == NoiseMode::kNone && recipe.noise_file.empty()) return truth;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0) truth[i] = train.labels[i];
  }
  return truth;
}

Dataset load_dataset(const Recipe& recipe, const LoadReport& report) {
  Dataset dataset =
      load_dataset(dataset_config(recipe, report, [](const Recipe& wanted, const ImageList& list) {
        check_classes(wanted, list.name, std::ssize(list.class_names));
      }));
  check_classes(recipe, dataset.name, dataset.num_classes());
  return dataset;
}

TrainingData load_training_data(const Recipe& recipe, const LoadReport& report) {
  TrainingPart part = load_part(recipe, report);
  TrainingData& data = part.data;
  data.noisy_labels = noisy_labels(recipe, part, report);
  if (!recipe.noise_file.empty() || recipe.noise_mode == NoiseMode::kHuman) {
    warn_of_chance(data, report);
  }
  return std::move(data);
}

TrainingData reload_training_data(const Recipe& recipe, const std::filesystem::path& labels,
                                  const LoadReport& report) {
  TrainingData data = load_part(recipe, report).data;
  data.noisy_labels =
      read_noise_file(labels, data.dataset.train.size(), data.dataset.num_classes());
  return data;
}

}  // namespace bptplr
