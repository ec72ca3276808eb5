// Which values a recipe may hold, and what "choose for me" comes to.
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/recipe/stages.hpp"
#include "data/views.hpp"
#include "engine/device.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Epochs until the published cosine schedule reaches its lowest learning rate.
constexpr std::int64_t kPublishedPeriod = 380;
/// Pixels of a side, which the kernels for views compute in 16.16 fixed point.
constexpr std::int64_t kMaxSide = 8191;
/// Above any sensible number of anything, and far from overflow.
constexpr std::int64_t kMany = 1'000'000'000;

/// `value` must lie in [low, high]; NaN does not.
template <class T>
void check_range(const char* field, T value, T low, T high) {
  require(value >= low && value <= high, "{} is {}, but must lie in [{}, {}]", field, value, low,
          high);
}

/// `value` must be at least 0 and finite; and not 0 unless that is allowed.
void check_nonnegative(const char* field, double value) {
  require(value >= 0.0 && std::isfinite(value), "{} is {}, but must be 0 or more", field, value);
}
void check_positive(const char* field, double value) {
  require(value > 0.0 && std::isfinite(value), "{} is {}, but must be greater than 0", field,
          value);
}

/// Classes of a data set that always has the same ones; 0: its files tell.
std::int64_t known_classes(const std::string& dataset) {
  if (dataset == "folder" || dataset == "csv") return 0;
  if (dataset == "cifar100") return 100;
  return dataset == "clothing1m" ? 14 : 10;
}

/// Height and width of the images, as they will be loaded.
std::int64_t image_side(const Recipe& recipe) {
  constexpr std::int64_t kSideOfSmallImages = 32;  // CIFAR, and the shapes
  return has_image_files(recipe) ? recipe.image_size : kSideOfSmallImages;
}

/// The values that mean "choose for me" of the fields about data.
void choose_data(Recipe& recipe) {
  const bool files = has_image_files(recipe);
  if (recipe.num_class == 0) recipe.num_class = known_classes(recipe.dataset);
  if (recipe.noise_mode == "auto") recipe.noise_mode = files ? "none" : "sym";
  if (recipe.image_size == 0 && files)
    recipe.image_size = recipe.dataset == "clothing1m" ? 256 : 64;
}

void check_data(const Recipe& recipe) {
  const std::int64_t classes = known_classes(recipe.dataset);
  check_range("r", recipe.r, 0.0, 1.0);
  require(classes == 0 || recipe.num_class == classes, "num_class is {}, but {} has {} classes",
          recipe.num_class, recipe.dataset, classes);
  check_range<std::int64_t>("num_class", recipe.num_class, 0, 1024);  // as PLR's class sets
  check_range<std::int64_t>("subset", recipe.subset, 0, kMany);
  check_range<std::int64_t>("epoch_size", recipe.epoch_size, 0, kMany);
  check_range<std::int64_t>("shapes_train", recipe.shapes_train, 1, 10'000'000);
  check_range<std::int64_t>("shapes_test", recipe.shapes_test, 1, 10'000'000);
  check_range<std::int64_t>("crop", recipe.crop, 0, kMaxSide);
  check_range<std::int64_t>("crop_padding", recipe.crop_padding, 0, kMaxSide);
  if (has_image_files(recipe)) check_range<std::int64_t>("image_size", recipe.image_size, 8, 4096);
  require(recipe.test_split >= 0.0 && recipe.test_split < 1.0,
          "test_split is {}, but must be at least 0 and below 1", recipe.test_split);
  require(recipe.test_split == 0.0 || classes == 0,
          "test_split is for the data sets folder and csv only; {} has test images of its own",
          recipe.dataset);
  require(
      recipe.dataset == "shapes" || !recipe.data_path.empty(),
      "data_path is missing: name the {} with --data_path, or use --dataset shapes, which needs "
      "no files",
      recipe.dataset == "csv" ? "manifest" : "folder that the data set was extracted to");
  const bool of_cifar = recipe.noise_mode == "asym" || recipe.noise_mode == "human";
  const bool cifar = recipe.dataset == "cifar10" || recipe.dataset == "cifar100";
  require(cifar || !of_cifar || !recipe.noise_file.empty(),
          "noise_mode {} is defined for CIFAR only; use sym, instance, or a noise_file, with {}",
          recipe.noise_mode, recipe.dataset);
}

/// Do crops fit the images, and the network the crops? Asked before images are decoded, which may
/// take hours.
void check_views(const Recipe& recipe) {
  const ViewGeometry geometry{static_cast<int>(recipe.crop), static_cast<int>(recipe.crop_padding)};
  const auto side = static_cast<int>(image_side(recipe));
  geometry.check(side, side);
  check_images(recipe, geometry.side(side));
}

void check_network(const Recipe& recipe) {
  check_range<std::int64_t>("width", recipe.width, 1, 1024);
  check_range<std::int64_t>("low_dim", recipe.low_dim, 1, 65536);
  if (usual_blocks(recipe).empty()) {
    require(recipe.blocks.empty(), "blocks is '{}', but {} has no residual blocks; leave it empty",
            recipe.blocks, recipe.arch);
  } else {
    stage_blocks(recipe);
  }
  require(recipe.arch == "preact_resnet" || recipe.shortcut == Recipe{}.shortcut,
          "shortcut is {}, but {} has no such choice; leave it out", recipe.shortcut, recipe.arch);
}

void check_training(const Recipe& recipe) {
  check_range<std::int64_t>("num_epochs", recipe.num_epochs, 1, 1'000'000);
  check_range<std::int64_t>("batch_size", recipe.batch_size, 1, 65536);
  check_range<std::int64_t>("warm_up", recipe.warm_up, 1, 1'000'000);
  check_range<std::int64_t>("seed", recipe.seed, 0, std::numeric_limits<std::int64_t>::max());
  check_positive("lr", recipe.lr);
  require(recipe.momentum >= 0.0 && recipe.momentum < 1.0,
          "momentum is {}, but must be at least 0 and below 1", recipe.momentum);
  check_nonnegative("weight_decay", recipe.weight_decay);
  check_range<std::int64_t>("lr_period", recipe.lr_period, 1, 1'000'000);
  check_range("lr_min_factor", recipe.lr_min_factor, 0.0, 1.0);
  for (const ScheduleEntry& entry : parse_schedule(recipe.lr_steps, "lr_steps")) {
    check_positive("a divisor in lr_steps", entry.value);
    check_range<std::int64_t>("an epoch in lr_steps", entry.epoch, 0, 1'000'000);
  }
  check_range<std::int64_t>("threads", recipe.threads, 0, 4096);
  check_nonnegative("max_hours", recipe.max_hours);
  check_range<std::int64_t>("keep_checkpoints", recipe.keep_checkpoints, 1, 1'000'000);
}

void check_warm_up(const Recipe& recipe) {
  check_positive("warm_up_temperature", recipe.warm_up_temperature);
  check_range<std::int64_t>("warm_up_batch_factor", recipe.warm_up_batch_factor, 1, 1024);
  check_positive("gce_q", recipe.gce_q);
  check_range("gce_q", recipe.gce_q, 0.0, 1.0);
  check_nonnegative("mixup_alpha", recipe.mixup_alpha);
  require(recipe.mixup_alpha == 0.0 || recipe.plain_loss == "ce",
          "mixup_alpha is {}, but MixUp mixes labels, for which plain_loss {} is not made; use "
          "plain_loss ce or mixup_alpha 0",
          recipe.mixup_alpha, recipe.plain_loss);
}

/// What is known of the samples, which of them are chosen, and by how many networks.
void check_selection(const Recipe& recipe) {
  check_range<std::int64_t>("networks", recipe.networks, 1, 2);
  require(divides(recipe) == (recipe.statistic != "none"),
          "selection is {} and statistic {}, but both or neither must be none", recipe.selection,
          recipe.statistic);
  require(!divides(recipe) || recipe.networks == 2,
          "selection is {}, for which two networks must train; set networks to 2",
          recipe.selection);
  require(!uses_prototypes(recipe) ||
              (recipe.selection != "uniform" && recipe.selection != "high_confidence"),
          "selection {} takes one figure of a label, and from the warm-up on, but statistic {} has "
          "two; use statistic ce or jsd",
          recipe.selection, recipe.statistic);
  require(!uses_prototypes(recipe) || recipe.exchange == "peer",
          "statistic {} goes with prototypes, which move when a network has been trained, and so "
          "with exchange peer, not {}",
          recipe.statistic, recipe.exchange);
  require(recipe.selection != "high_confidence" || recipe.epoch_size == 0,
          "selection high_confidence looks back on earlier epochs, but with epoch_size {} an epoch "
          "has other samples than the last one; set epoch_size to 0",
          recipe.epoch_size);
  check_nonnegative("d_mu", recipe.d_mu);
  require(recipe.filter_tau >= 1.0, "filter_tau is {}, but must be at least 1", recipe.filter_tau);
  check_range("trust_below", recipe.trust_below, 0.0, 1.0);
  check_range<std::int64_t>("run_length", recipe.run_length, 1, 1000);
  check_range<std::int64_t>("confident_window", recipe.confident_window, 1, 1'000'000);
  check_range("pseudo_momentum", recipe.pseudo_momentum, 0.0, 1.0);
}

void check_method(const Recipe& recipe) {
  check_range("p_threshold", recipe.p_threshold, 0.0, 1.0);
  check_range<std::int64_t>("loss_history", recipe.loss_history, 1, 1000);
  require(
      recipe.loss_history == 1 || recipe.epoch_size == 0,
      "loss_history is {}, but with epoch_size {} an epoch has other samples than the last one; "
      "set loss_history to 1 or epoch_size to 0",
      recipe.loss_history, recipe.epoch_size);
  check_range<std::int64_t>("gmm_max_iter", recipe.gmm_max_iter, 1, 1'000'000);
  check_nonnegative("gmm_tol", recipe.gmm_tol);
  check_nonnegative("gmm_reg_covar", recipe.gmm_reg_covar);
  check_nonnegative("lambda_u", recipe.lambda_u);
  check_positive("lambda_ramp", recipe.lambda_ramp);
  check_positive("T", recipe.T);
  check_positive("alpha", recipe.alpha);
  check_nonnegative("penalty", recipe.penalty);
  check_positive("tau", recipe.tau);
  check_nonnegative("lambda_c", recipe.lambda_c);
  check_positive("simclr_temperature", recipe.simclr_temperature);
  const auto kappa = parse_schedule(recipe.kappa, "kappa");
  require(!kappa.empty() && kappa.front().epoch == 0,
          "kappa is '{}', but must begin with epoch 0, e.g. 0:3,40:2", recipe.kappa);
  for (const ScheduleEntry& entry : kappa) {
    require(entry.value == std::floor(entry.value) && entry.value >= 1.0,
            "kappa is '{}', but its values must be whole numbers from 1 on", recipe.kappa);
  }
  check_positive("proto_temperature", recipe.proto_temperature);
  check_range("proto_momentum", recipe.proto_momentum, 0.0, 1.0);
  check_range("proto_threshold", recipe.proto_threshold, 0.0, 1.0);
}

/// The words of string fields, for recipes that were filled in by code.
void check_choices(const Recipe& recipe) {
  Recipe copy;
  update_recipe(copy, to_json(recipe), "recipe");
}

}  // namespace

bool has_image_files(const Recipe& recipe) {
  return recipe.dataset != "cifar10" && recipe.dataset != "cifar100" && recipe.dataset != "shapes";
}

void resolve_network(Recipe& recipe) {
  if (recipe.blocks.empty()) recipe.blocks = usual_blocks(recipe);
  check_network(recipe);
}

void resolve_stage(Recipe& recipe) {
  check_choices(recipe);
  choose_data(recipe);
  const std::int64_t epochs = stage_epochs(recipe);
  if (recipe.lr_period == 0) recipe.lr_period = std::min(epochs, kPublishedPeriod);
  recipe.lr_steps = resolve_percentages(recipe.lr_steps, "lr_steps", epochs);
  recipe.kappa = resolve_percentages(recipe.kappa, "kappa", epochs);
  if (recipe.loss_history == 0) recipe.loss_history = std::abs(recipe.r - 0.9) < 1e-6 ? 5 : 1;
  check_data(recipe);
  resolve_network(recipe);
  check_training(recipe);
  check_views(recipe);
  check_warm_up(recipe);
  check_selection(recipe);
  check_method(recipe);
  recipe.device = parse_device(recipe.device).type == DeviceType::kCpu ? "cpu" : "cuda";
  require(recipe.precision != "bf16" || recipe.device == "cuda",
          "--precision bf16 needs a GPU, but the device is {}; use --precision float32",
          recipe.device);
}

std::string class_set_warning(const Recipe& recipe) {
  if (!recipe.contrastive.ends_with("plr") || !divides(recipe)) return {};
  const auto kappa = parse_schedule(recipe.kappa, "kappa");
  std::int64_t epoch = recipe.warm_up;
  while (epoch < recipe.num_epochs &&
         2.0 * scheduled(kappa, epoch, 1.0) > static_cast<double>(recipe.num_class)) {
    ++epoch;
  }
  if (epoch == recipe.warm_up) return {};
  return fmt::format(
      "kappa is '{}', but of {} classes any two sets of so many have one in common, so that the "
      "{} loss has no negatives and teaches nothing {}; try --kappa 0:1",
      recipe.kappa, recipe.num_class, recipe.contrastive,
      epoch < recipe.num_epochs ? fmt::format("before epoch {}", epoch) : "at all");
}

void resolve(Recipe& recipe) {
  resolve_stage(recipe);
  stages_of(recipe);  // throws for a second run that cannot be
}

}  // namespace bptplr
