#include "bpt_plr/train/training_data.hpp"

#include <utility>

#include "bpt_plr/method/prototypes.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "data/noise/human_labels.hpp"
#include "data/noise/instance_noise.hpp"
#include "data/noise/noise.hpp"
#include "data/sets/dataset_table.hpp"
#include "data/subset.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Returns the samples of a training set that are used.
std::vector<std::int64_t> subset_of(const Recipe& recipe, const std::vector<std::int64_t>& labels,
                                    std::int64_t num_classes) {
  const std::int64_t count = recipe.subset == 0 ? std::ssize(labels) : recipe.subset;
  return balanced_subset(labels, num_classes, count, static_cast<std::uint64_t>(recipe.seed));
}

/// Reads the labels in `noise_file` of the samples `subset` of a training set of `total`.
std::vector<std::int64_t> labels_from_file(const Recipe& recipe, std::int64_t num_classes,
                                           std::int64_t total,
                                           const std::vector<std::int64_t>& subset) {
  const auto count = static_cast<std::int64_t>(subset.size());
  if (count != total && count_labels(recipe.noise_file) == total) {
    return select(read_noise_file(recipe.noise_file, total, num_classes), subset);
  }
  return read_noise_file(recipe.noise_file, count, num_classes);
}

std::vector<std::int64_t> human_labels(const Recipe& recipe, std::int64_t num_classes,
                                       std::int64_t total,
                                       const std::vector<std::int64_t>& subset) {
  const std::string& path = recipe.human_path.empty() ? recipe.data_path : recipe.human_path;
  return select(read_human_labels(path, recipe.human_set, num_classes, total), subset);
}

/// Returns noisy labels, generated from the true ones of `dataset.train`.
std::vector<std::int64_t> make_noisy(const Recipe& recipe, const Dataset& dataset) {
  const std::vector<std::int64_t>& labels = dataset.train.labels;
  const auto seed = static_cast<std::uint64_t>(recipe.seed);
  switch (recipe.noise_mode) {
    case NoiseMode::kSym:
      return symmetric_noise(labels, dataset.num_classes(), recipe.r, seed);
    case NoiseMode::kAsym:
      return dataset_info(recipe.dataset).asymmetric_noise(labels, recipe.r, seed);
    case NoiseMode::kInstance:
      return instance_noise(dataset.train.images, labels, dataset.num_classes(), dataset.mean,
                            dataset.std, recipe.r, seed);
    case NoiseMode::kAuto:
    case NoiseMode::kHuman:
    case NoiseMode::kNone:
      break;
  }
  return labels;
}

/// Returns the training labels of the samples `subset` of a training set of `total`.
std::vector<std::int64_t> noisy_labels(const Recipe& recipe, const Dataset& dataset,
                                       std::int64_t total,
                                       const std::vector<std::int64_t>& subset) {
  if (!recipe.noise_file.empty())
    return labels_from_file(recipe, dataset.num_classes(), total, subset);
  if (recipe.noise_mode == NoiseMode::kHuman)
    return human_labels(recipe, dataset.num_classes(), total, subset);
  return make_noisy(recipe, dataset);
}

/// Returns the known true labels. Where noise is generated, official labels count as true unless
/// better ones are known: it is this run's noise that is to be found.
std::vector<std::int64_t> truth_of(const Recipe& recipe, const Split& train) {
  if (train.true_labels.empty()) return train.labels;
  std::vector<std::int64_t> truth = train.true_labels;
  if (recipe.noise_mode == NoiseMode::kNone && recipe.noise_file.empty()) return truth;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0) truth[i] = train.labels[i];
  }
  return truth;
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
  const auto subset = subset_of(recipe, labels, classes);
  const bool trains_on_them = known.noise_mode == NoiseMode::kNone && recipe.noise_file.empty();
  if (trains_on_them && will_use_prototypes(known)) {
    require_every_class(select(labels, subset), list.class_names);
  }
  if (!recipe.noise_file.empty()) count_labels(recipe.noise_file);
}

constexpr double kGib = 1U << 30U;

DatasetConfig dataset_config(const Recipe& recipe, const LoadReport& report) {
  return {.kind = recipe.dataset,
          .path = recipe.data_path,
          .images = {static_cast<int>(recipe.image_size), recipe.cache_dir, recipe.on_bad_image,
                     report, [&recipe](const ImageList& list) { check_list(recipe, list); },
                     static_cast<std::int64_t>(recipe.cache_limit * kGib)},
          .test_split = {recipe.test_split, static_cast<std::uint64_t>(recipe.seed)},
          .shapes_train = recipe.shapes_train,
          .shapes_test = recipe.shapes_test};
}

/// Data that a recipe trains on, before label noise is generated.
struct TrainingPart {
  TrainingData data;                 ///< without noisy labels
  std::int64_t total = 0;            ///< number of images in the whole training set
  std::vector<std::int64_t> subset;  ///< those of them that are used
};

TrainingPart load_part(const Recipe& recipe, const LoadReport& report) {
  TrainingPart part;
  part.data.dataset = load_dataset(recipe, report);
  Split& train = part.data.dataset.train;
  part.total = std::ssize(train.labels);
  part.subset = subset_of(recipe, train.labels, part.data.dataset.num_classes());
  if (std::ssize(part.subset) != part.total) train = select(train, part.subset);
  part.data.true_labels = truth_of(recipe, train);
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

Dataset load_dataset(const Recipe& recipe, const LoadReport& report) {
  Dataset dataset = load_dataset(dataset_config(recipe, report));
  check_classes(recipe, dataset.name, dataset.num_classes());
  return dataset;
}

TrainingData load_training_data(const Recipe& recipe, const LoadReport& report) {
  TrainingPart part = load_part(recipe, report);
  TrainingData& data = part.data;
  data.noisy_labels = noisy_labels(recipe, data.dataset, part.total, part.subset);
  return std::move(data);
}

TrainingData reload_training_data(const Recipe& recipe, const std::filesystem::path& labels,
                                  const LoadReport& report) {
  TrainingData data = load_part(recipe, report).data;
  data.noisy_labels =
      read_noise_file(labels, data.dataset.train.images.count, data.dataset.num_classes());
  return data;
}

}  // namespace bptplr
