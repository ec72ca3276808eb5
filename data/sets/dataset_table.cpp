#include "data/sets/dataset_table.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "data/noise/noise.hpp"
#include "data/sets/animal10n.hpp"
#include "data/sets/arrays.hpp"
#include "data/sets/cifar10.hpp"
#include "data/sets/cifar100.hpp"
#include "data/sets/clothing1m.hpp"
#include "data/sets/image_folder.hpp"
#include "data/sets/image_manifest.hpp"
#include "data/sets/shapes.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

/// Seed of the built-in images. They are one fixed data set, like a downloaded one: the seed of a
/// run does not change them, so that runs of different seeds use the same test images.
constexpr std::uint64_t kShapesSeed = 1;

constexpr const char* kExtracted = "folder that the data set was extracted to";

/// Returns the row of CIFAR or the shapes: images of one size, decoded at once.
constexpr DatasetInfo small_images(DatasetKind kind, const char* needs, std::int64_t num_classes,
                                   int human_label_sets,
                                   decltype(DatasetInfo::asymmetric_noise) asymmetric_noise,
                                   decltype(DatasetInfo::load) load) {
  constexpr std::int64_t kSide = 32;
  return {.kind = kind,
          .needs = needs,
          .num_classes = num_classes,
          .side = kSide,
          .usual_image_size = 0,
          .takes_test_split = false,
          .turns_upright = false,
          .human_label_sets = human_label_sets,
          .asymmetric_noise = asymmetric_noise,
          .load = load,
          .is_at = nullptr,
          .list = nullptr};
}

/// Returns the row of image files of any size. A set whose classes only its files define may lack
/// test images too.
constexpr DatasetInfo image_files(DatasetKind kind, const char* needs, std::int64_t num_classes,
                                  std::int64_t usual_image_size, decltype(DatasetInfo::load) load,
                                  decltype(DatasetInfo::is_at) is_at,
                                  decltype(DatasetInfo::list) list) {
  return {.kind = kind,
          .needs = needs,
          .num_classes = num_classes,
          .side = 0,
          .usual_image_size = usual_image_size,
          .takes_test_split = num_classes == 0,
          .turns_upright = num_classes == 0,
          .human_label_sets = 0,
          .asymmetric_noise = nullptr,
          .load = load,
          .is_at = is_at,
          .list = list};
}

/// Returns the row of samples in arrays, whose classes only their files define.
constexpr DatasetInfo arrays_of(DatasetKind kind, const char* needs, bool has_vectors,
                                decltype(DatasetInfo::load) load) {
  return {.kind = kind,
          .needs = needs,
          .num_classes = 0,
          .side = 0,
          .usual_image_size = 0,
          .takes_test_split = true,
          .turns_upright = false,
          .human_label_sets = 0,
          .asymmetric_noise = nullptr,
          .load = load,
          .is_at = nullptr,
          .list = nullptr,
          .has_vectors = has_vectors};
}

Dataset cifar10(const DatasetConfig& config) {
  return load_cifar10(config.path);
}
Dataset cifar100(const DatasetConfig& config) {
  return load_cifar100(config.path);
}
Dataset shapes(const DatasetConfig& config) {
  return make_shapes(kShapesSeed, config.shapes_train, config.shapes_test);
}
Dataset animal10n(const DatasetConfig& config) {
  return load_animal10n(config.path, config.images);
}
Dataset clothing1m(const DatasetConfig& config) {
  return load_clothing1m(config.path, config.images);
}
Dataset folder(const DatasetConfig& config) {
  return load_folder(config.path, config.test_split, config.images);
}
Dataset manifest(const DatasetConfig& config) {
  return load_manifest(config.path, config.test_split, config.images);
}

Dataset features(const DatasetConfig& config) {
  return load_features(config.files, config.test_split, config.report);
}
Dataset arrays(const DatasetConfig& config) {
  return load_arrays(config.files, config.test_split, config.report);
}

bool is_manifest(const std::filesystem::path& path) {
  return is_file(path);
}
bool is_other(const std::filesystem::path& path) {
  return !is_file(path);
}

using enum DatasetKind;
/// Table of data sets; list_image_files takes the first row whose is_at returns true.
constexpr std::array kTable{
    small_images(kCifar10, kExtracted, 10, 5, asymmetric_noise_cifar10, cifar10),
    small_images(kCifar100, kExtracted, 100, 1, asymmetric_noise_cifar100, cifar100),
    small_images(kShapes, nullptr, 10, 0, nullptr, shapes),
    image_files(kClothing1m, kExtracted, 14, 256, clothing1m, has_clothing1m, list_clothing1m),
    image_files(kAnimal10n, kExtracted, 10, 64, animal10n, has_animal10n_images, list_animal10n),
    image_files(kCsv, "manifest", 0, 64, manifest, is_manifest, list_manifest),
    image_files(kFolder, kExtracted, 0, 64, folder, is_other, list_folder),
    arrays_of(kFeatures, "file of the features", true, features),
    arrays_of(kArrays, "file of the images", false, arrays)};

}  // namespace

const DatasetInfo& dataset_info(DatasetKind kind) {
  const auto* row = std::ranges::find(kTable, kind, &DatasetInfo::kind);
  if (row == kTable.end()) throw std::logic_error("dataset_table.cpp lacks a row");
  return *row;
}

Dataset load_dataset(const DatasetConfig& config) {
  return dataset_info(config.kind).load(config);
}

ImageList list_image_files(const std::filesystem::path& path) {
  const auto* row = std::ranges::find_if(
      kTable, [&](const DatasetInfo& info) { return info.is_at != nullptr && info.is_at(path); });
  return row->list(path);
}

}  // namespace bptplr
