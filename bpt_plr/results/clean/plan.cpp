#include "bpt_plr/results/clean/plan.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/results/features/image_features.hpp"
#include "bpt_plr/run/asked_recipe.hpp"
#include "bpt_plr/run/embedder.hpp"
#include "bpt_plr/run/run_time.hpp"
#include "bpt_plr/train/benchmark/benchmark.hpp"
#include "data/sets/dataset_table.hpp"
#include "engine/error.hpp"
#include "engine/io/array_file.hpp"
#include "engine/io/file.hpp"
#include "engine/io/open_file.hpp"
#include "engine/ops.hpp"
#include "engine/profile/peaks.hpp"
#include "engine/threads.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

bool is_array_file(const fs::path& path) {
  const std::string ending = path.extension().string();
  return ending == ".npy" || ending == ".npz" || ending == ".safetensors";
}

/// Returns the recipe of this name, or of the defaults, with the given fields.
Recipe recipe_from(const char* name, const nlohmann::json& given) {
  const nlohmann::json file = name == nullptr ? nlohmann::json::object() : read_recipe(name);
  return compose_recipe(file, name == nullptr ? "clean" : name, given);
}

/// Returns the seconds of a product of matrices that does about 1 GFLOP, on the device of training.
double seconds_per_gigaflop(DeviceChoice choice) {
  const NoGrad no_grad;
  constexpr std::int64_t kSide = 800;
  const Device device = choose_device(choice);
  const Tensor a = Tensor::zeros({kSide, kSide}).to(device);
  const Tensor b = Tensor::zeros({kSide, kSide}).to(device);
  double best = 1e9;
  for (int i = 0; i < 4; ++i) {
    const auto start = std::chrono::steady_clock::now();
    linear(a, b, {}).to(Device{});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

/// Returns about how long the recipe trains on features: forward and backward passes of eight views
/// a sample and epoch through its layers, by what this machine does with large products, of which
/// small ones reach a third.
double seconds_of_training(const Recipe& recipe, std::int64_t samples, std::int64_t dim) {
  const double parameters =
      static_cast<double>(recipe.width) * static_cast<double>(dim + recipe.width);
  constexpr double kPasses = 8.0 * 3.0 + 8.0;
  constexpr double kShareOfPeak = 0.33;
  const double flops = 2.0 * parameters * kPasses * static_cast<double>(samples) * 2.0 *
                       static_cast<double>(recipe.num_epochs);
  return flops / 1e9 * seconds_per_gigaflop(recipe.device) / kShareOfPeak;
}

std::string default_clean_folder(const fs::path& data) {
  const fs::path named = data.has_filename() ? data : data.parent_path();
  return (fs::path("runs") / ("clean_" + named.stem().string())).string();
}

/// Returns the number of rows and of values of a file of features.
std::pair<std::int64_t, std::int64_t> shape_of(const fs::path& features) {
  const ArrayFile opened = open_arrays(features);
  const StoredTensor* array = opened.find({"", "features", "x", "X"});
  require(array != nullptr && array->shape.size() == 2,
          "{}: it holds no matrix of features, a row for each sample", features.string());
  return {array->shape[0], array->shape[1]};
}

/// What there is of images, in files or in an array.
struct ImageCounts {
  DatasetKind kind = DatasetKind::kFolder;
  std::int64_t train = 0;
  std::int64_t classes = 10;  ///< a guess for arrays, on which the time hardly depends
  bool has_test = false;
};

ImageCounts count_of(const fs::path& data) {
  if (!is_array_file(data)) {
    const ImageList list = list_image_files(data);
    return {is_file(data) ? DatasetKind::kCsv : DatasetKind::kFolder, std::ssize(list.train),
            std::ssize(list.class_names), !list.test.empty()};
  }
  const ArrayFile opened = open_arrays(data);
  ImageCounts counts{.kind = DatasetKind::kArrays};
  counts.train = opened.find({"", "images"})->shape[0];
  counts.has_test = opened.find({"test_images"}) != nullptr;
  return counts;
}

/// Returns whether a file holds features; one of arrays that does not holds images.
bool is_features(const fs::path& path) {
  if (!is_array_file(path)) return false;
  const ArrayFile opened = open_arrays(path);
  const StoredTensor* images = opened.find({"", "images"});
  return images == nullptr || images->shape.size() != 4;
}

/// Trains on features that are there.
void plan_features(CleanPlan& plan, const nlohmann::json& given) {
  plan.recipe = recipe_from("features", given);
  plan.recipe.data_path = plan.features.string();
  const auto [rows, dim] = shape_of(plan.features);
  if (plan.recipe.labels.empty() && plan.data != plan.features &&
      !is_file(fs::path(plan.features).replace_extension(".csv"))) {
    const fs::path table = plan.out / "given.csv";
    const std::int64_t listed = write_label_table(plan.data, table);
    require(listed == rows,
            "{} has {} rows, but {} has {} images; compute features of all of them in the order of "
            "their paths, or say with {} (path,label) which row is which image",
            plan.features.string(), rows, plan.data.string(), listed,
            fs::path(plan.features).replace_extension(".csv").string());
    plan.recipe.labels = table.string();
    plan.sentences.push_back(
        fmt::format("The rows of {} are taken to be the images of {} in the order of their paths.",
                    plan.features.string(), plan.data.string()));
  }
  plan.sentences.push_back(fmt::format(
      "Networks are trained on {} features of {} samples, about {}; then labels are judged.", dim,
      rows, duration_text(seconds_of_training(plan.recipe, rows, dim))));
}

/// Computes features by given weights, then trains on them.
void plan_weights(CleanPlan& plan, const Recipe& wanted, nlohmann::json given) {
  plan.weights = recipe_for_weights(wanted, given);
  plan.features = plan.out / "features.npy";
  const Embedder embedder(*plan.weights);
  const std::int64_t images = count_images(plan.data);
  constexpr std::int64_t kTimed = 8;
  const auto side = static_cast<std::size_t>(embedder.side());
  const Images blank = Images::in_memory(
      embedder.side(), embedder.side(),
      std::vector<std::uint8_t>(static_cast<std::size_t>(kTimed) * side * side * 3));
  const auto start = std::chrono::steady_clock::now();
  embedder.embed(blank);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  const double seconds = took.count() / static_cast<double>(kTimed) * static_cast<double>(images);
  for (const char* field : {"arch", "width", "blocks", "pool_side", "pretrained", "image_size",
                            "crop", "exif", "on_bad_image"}) {
    given.erase(field);
  }
  plan.recipe = recipe_from("features", given);
  plan.recipe.data_path = plan.features.string();
  plan.sentences.push_back(
      fmt::format("Features of {} images are computed by {} with the weights {}, about {}; "
                  "networks are trained "
                  "on them, about {}; then labels are judged.",
                  images, embedder.recipe().arch, plan.weights->pretrained, duration_text(seconds),
                  duration_text(seconds_of_training(plan.recipe, images, embedder.dim()))));
}

/// Returns the seconds that a recipe trains on images, from a few measured iterations.
double measured_seconds(const Recipe& recipe, std::int64_t images) {
  BenchmarkOptions options;
  options.recipe = recipe;
  constexpr std::int64_t kLeastMeasured = 100;
  options.images = std::max(images, kLeastMeasured);
  options.iterations = 1;
  options.resolve();
  const Peaks peaks = measure_peaks(choose_device(recipe.device),
                                    dtype_of(recipe.precision, choose_device(recipe.device)));
  return run_benchmark(options, peaks).epoch.seconds * static_cast<double>(recipe.num_epochs);
}

/// Trains on the images themselves.
void plan_images(CleanPlan& plan, const nlohmann::json& given) {
  const ImageCounts images = count_of(plan.data);
  constexpr std::int64_t kFew = 20'000;
  const bool is_few = images.train <= kFew;
  const bool has_files = images.kind != DatasetKind::kArrays;
  plan.recipe = recipe_from(is_few ? "cifar10-5000" : nullptr, given);
  plan.recipe.dataset = images.kind;
  plan.recipe.data_path = plan.data.string();
  plan.recipe.num_class = 0;
  plan.recipe.subset = 0;
  if (has_files && !given.contains("image_size") && is_few) plan.recipe.image_size = 32;
  plan.recipe.noise_mode = NoiseMode::kNone;
  const bool keeps_test = has_files && !images.has_test;
  if (keeps_test) plan.recipe.test_split = 0.1;
  const bool on_gpu = choose_device(plan.recipe.device).type == DeviceType::kCuda;
  Recipe measured = plan.recipe;
  measured.num_class = images.classes;
  const double seconds = measured_seconds(measured, images.train);
  constexpr double kLong = 1800.0;
  plan.takes_hours = !on_gpu && seconds > kLong;
  plan.sentences.push_back(
      fmt::format("Networks are trained on the {} images, which takes about {}{}; then labels are "
                  "judged.",
                  images.train, duration_text(seconds), on_gpu ? "" : " on this CPU"));
  if (!on_gpu) {
    plan.sentences.push_back(
        "Minutes would do with features of a pretrained network (--features X.npy, made by any "
        "program), or with its weights (--pretrained resnet50.pth --arch resnet50, as torchvision "
        "has them).");
  }
  if (keeps_test) {
    plan.sentences.push_back(
        "A tenth of the images is kept to test on, whose labels are not judged.");
  }
}

void require_clean_fields(const nlohmann::json& given) {
  for (const auto& [name, value] : given.items()) {
    require(std::ranges::find(kCleanFields, name) != kCleanFields.end(),
            "a cleaning chooses {} itself; of a recipe it takes {}", name,
            fmt::join(kCleanFields, ", "));
  }
}

}  // namespace

CleanPlan plan_clean(const CleanRequest& request, const nlohmann::json& given) {
  require_clean_fields(given);
  LeftOut left_out;
  const Recipe wanted = asked_recipe("", given, /*resume=*/false, left_out);
  use_threads(wanted.threads);
  CleanPlan plan;
  plan.data = request.data;
  require(path_exists(plan.data), "there is no file or folder {}; check the path", request.data);
  plan.out = request.out.empty() ? default_clean_folder(plan.data) : request.out;
  plan.run = plan.out / "run";
  make_folders(plan.out);
  const bool has_weights = given.contains("pretrained");
  require(request.features.empty() || !has_weights,
          "name --features or --pretrained, not both: the weights would have nothing to do");
  if (is_features(plan.data)) {
    plan.features = plan.data;
  } else if (!request.features.empty()) {
    plan.features = request.features;
  }
  if (!plan.features.empty()) {
    plan_features(plan, given);
  } else if (has_weights) {
    plan_weights(plan, wanted, given);
  } else {
    plan_images(plan, given);
  }
  return plan;
}

}  // namespace bptplr
