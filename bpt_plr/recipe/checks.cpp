#include "bpt_plr/recipe/checks.hpp"

#include <cmath>
#include <limits>

#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/schedules.hpp"
#include "bpt_plr/recipe/stages.hpp"
#include "data/image_views.hpp"
#include "data/sets/dataset_table.hpp"
#include "engine/error.hpp"
#include "kernels/cpu_level.hpp"
#include "models/network_table.hpp"

namespace bptplr {
namespace {

/// Largest side in pixels; the kernels for views compute in 16.16 fixed point.
constexpr std::int64_t kMaxSide = 8191;
/// Upper limit of counts: above any sensible number, and far from overflow.
constexpr std::int64_t kMany = 1'000'000'000;

/// Throws Error unless `value` lies in [low, high]; NaN does not.
template <class T>
void check_range(const char* field, T value, T low, T high) {
  require(value >= low && value <= high, "{} is {}, but must lie in [{}, {}]", field, value, low,
          high);
}

/// Throws Error unless `value` is finite and at least 0, or positive if 0 is not allowed.
void check_nonnegative(const char* field, double value) {
  require(value >= 0.0 && std::isfinite(value), "{} is {}, but must be 0 or more", field, value);
}
void check_positive(const char* field, double value) {
  require(value > 0.0 && std::isfinite(value), "{} is {}, but must be greater than 0", field,
          value);
}

void check_below_1(const char* field, double value) {
  require(value >= 0.0 && value < 1.0, "{} is {}, but must be at least 0 and below 1", field,
          value);
}

void check_vector_views(const Recipe& recipe) {
  check_below_1("weak_drop", recipe.weak_drop);
  check_below_1("strong_drop", recipe.strong_drop);
  check_nonnegative("weak_noise", recipe.weak_noise);
  check_nonnegative("strong_noise", recipe.strong_noise);
}

}  // namespace

void check_data(const Recipe& recipe) {
  const DatasetInfo& data = dataset_info(recipe.dataset);
  const std::int64_t classes = data.num_classes;
  check_range("r", recipe.r, 0.0, 1.0);
  require(classes == 0 || recipe.num_class == classes, "num_class is {}, but {} has {} classes",
          recipe.num_class, recipe.dataset, classes);
  check_range<std::int64_t>("num_class", recipe.num_class, 0, kMaxClasses);
  check_range<std::int64_t>("subset", recipe.subset, 0, kMany);
  check_range<std::int64_t>("epoch_size", recipe.epoch_size, 0, kMany);
  check_range<std::int64_t>("shapes_train", recipe.shapes_train, 1, 10'000'000);
  check_range<std::int64_t>("shapes_test", recipe.shapes_test, 1, 10'000'000);
  check_range<std::int64_t>("crop", recipe.crop, 0, kMaxSide);
  check_range<std::int64_t>("crop_padding", recipe.crop_padding, 0, kMaxSide);
  if (data.has_image_files()) check_range<std::int64_t>("image_size", recipe.image_size, 8, 4096);
  check_below_1("test_split", recipe.test_split);
  require(recipe.test_split == 0.0 || data.takes_test_split,
          "test_split is for the data sets folder, csv, features and arrays only; {} has test "
          "images of "
          "its own",
          recipe.dataset);
  require(
      data.needs == nullptr || !recipe.data_path.empty(),
      "data_path is missing: name the {} with --data_path, or use --dataset shapes, which needs "
      "no files",
      data.needs);
  const bool is_defined = recipe.noise_mode == NoiseMode::kAsym ? data.asymmetric_noise != nullptr
                          : recipe.noise_mode == NoiseMode::kHuman ? data.human_label_sets > 0
                                                                   : true;
  require(is_defined || !recipe.noise_file.empty(),
          "noise_mode {} is defined for CIFAR only; use sym, instance, or a noise_file, with {}",
          recipe.noise_mode, recipe.dataset);
}

void check_views(const Recipe& recipe) {
  const bool takes_vectors = network_kind(recipe.arch).takes_vectors;
  const bool has_vectors = dataset_info(recipe.dataset).has_vectors;
  require(takes_vectors == has_vectors,
          "arch {} takes {}, but the data set {} has {}; use arch {}, or the recipe {}",
          recipe.arch, takes_vectors ? "vectors" : "images", recipe.dataset,
          has_vectors ? "vectors" : "images", has_vectors ? Arch::kMlp : Arch::kPreActResNet,
          has_vectors ? "features" : "for the images");
  if (has_vectors) return check_vector_views(recipe);
  const DatasetInfo& data = dataset_info(recipe.dataset);
  const auto side = static_cast<int>(data.has_image_files() ? recipe.image_size : data.side);
  if (side > 0) check_sides(recipe, side, side);
}

void check_sides(const Recipe& recipe, int height, int width) {
  const ViewGeometry geometry{static_cast<int>(recipe.crop), static_cast<int>(recipe.crop_padding)};
  geometry.check(height, width);
  check_images(recipe, geometry.side(height), geometry.side(width));
}

void check_network(const Recipe& recipe) {
  check_range<std::int64_t>("width", recipe.width, 1, network_kind(recipe.arch).max_width);
  check_range<std::int64_t>("depth", recipe.depth, 1, kMaxMlpDepth);
  check_below_1("dropout", recipe.dropout);
  check_range<std::int64_t>("feature_dim", recipe.feature_dim, 0, kMaxFeatures);
  check_range<std::int64_t>("low_dim", recipe.low_dim, 1, 65536);
  const NetworkKind& kind = network_kind(recipe.arch);
  if (!kind.usual_blocks) {
    require(recipe.blocks.empty(), "blocks is '{}', but {} has no residual blocks; leave it empty",
            recipe.blocks, recipe.arch);
  }
  network_config(recipe);  // throws for invalid blocks
  require(kind.has_shortcut || recipe.shortcut == Recipe{}.shortcut,
          "shortcut is {}, but {} has no such choice; leave it out", recipe.shortcut, recipe.arch);
  require(kind.has_pool_side || recipe.pool_side == Recipe{}.pool_side,
          "pool_side is {}, but {} has no such choice; leave it out", recipe.pool_side,
          recipe.arch);
  check_range<std::int64_t>("pool_side", recipe.pool_side, 1, kMaxPoolSide);
}

void check_training(const Recipe& recipe) {
  check_range<std::int64_t>("num_epochs", recipe.num_epochs, 1, 1'000'000);
  check_range<std::int64_t>("batch_size", recipe.batch_size, 1, 65536);
  check_range<std::int64_t>("warm_up", recipe.warm_up, 1, 1'000'000);
  check_range<std::int64_t>("seed", recipe.seed, 0, std::numeric_limits<std::int64_t>::max());
  check_positive("lr", recipe.lr);
  check_below_1("momentum", recipe.momentum);
  check_nonnegative("weight_decay", recipe.weight_decay);
  check_range<std::int64_t>("lr_period", recipe.lr_period, 1, 1'000'000);
  check_range("lr_min_factor", recipe.lr_min_factor, 0.0, 1.0);
  for (const ScheduleEntry& entry : parse_schedule(recipe.lr_steps, "lr_steps")) {
    check_positive("a divisor in lr_steps", entry.value);
    check_range<std::int64_t>("an epoch in lr_steps", entry.epoch, 0, 1'000'000);
  }
  check_range<std::int64_t>("threads", recipe.threads, 0, 4096);
  check_nonnegative("max_hours", recipe.max_hours);
  check_range("cache_limit", recipe.cache_limit, 0.0, 1e9);
  check_range<std::int64_t>("keep_checkpoints", recipe.keep_checkpoints, 1, 1'000'000);
}

void check_warm_up(const Recipe& recipe) {
  check_positive("warm_up_temperature", recipe.warm_up_temperature);
  check_range<std::int64_t>("warm_up_batch_factor", recipe.warm_up_batch_factor, 1, 1024);
  check_positive("gce_q", recipe.gce_q);
  check_range("gce_q", recipe.gce_q, 0.0, 1.0);
  check_nonnegative("mixup_alpha", recipe.mixup_alpha);
  require(recipe.mixup_alpha == 0.0 || recipe.plain_loss == PlainLoss::kCrossEntropy,
          "mixup_alpha is {}, but MixUp mixes labels, for which plain_loss {} is not made; use "
          "plain_loss ce or mixup_alpha 0",
          recipe.mixup_alpha, recipe.plain_loss);
}

void check_selection(const Recipe& recipe) {
  check_range<std::int64_t>("networks", recipe.networks, 1, 2);
  require(divides(recipe) == (recipe.statistic != StatisticKind::kNone),
          "selection is {} and statistic {}, but both or neither must be none", recipe.selection,
          recipe.statistic);
  require(!divides(recipe) || recipe.networks == 2,
          "selection is {}, for which two networks must train; set networks to 2",
          recipe.selection);
  require(!uses_prototypes(recipe) || (recipe.selection != SelectionKind::kUniform &&
                                       recipe.selection != SelectionKind::kHighConfidence),
          "selection {} takes one figure of a label, and from the warm-up on, but statistic {} has "
          "two; use statistic ce or jsd",
          recipe.selection, recipe.statistic);
  require(!uses_prototypes(recipe) || recipe.selection != SelectionKind::kSmallLoss,
          "selection {} takes one figure of a label, but statistic {} has two; use statistic ce or "
          "jsd",
          recipe.selection, recipe.statistic);
  require(!uses_prototypes(recipe) || recipe.exchange == Exchange::kPeer,
          "statistic {} goes with prototypes, which move when a network has been trained, and so "
          "with exchange peer, not {}",
          recipe.statistic, recipe.exchange);
  require(recipe.selection != SelectionKind::kHighConfidence || recipe.epoch_size == 0,
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

void check_machine(const Recipe& recipe) {
  require(recipe.precision != Precision::kBfloat16 || recipe.device == DeviceChoice::kCuda ||
              kernels::cpu_multiplies_bf16(),
          "--precision bf16 needs a GPU, or a processor with AVX512-BF16 or AMX, and this one has "
          "neither; use --precision float32");
}

void check_epochs(const Recipe& recipe) {
  const std::vector<Stage> stages = stages_of(recipe);
  for (const Stage& stage : stages) {
    const Recipe& of = stage.recipe;
    require(!divides(of) || of.num_epochs > of.warm_up,
            "num_epochs is {}{} and warm_up {}, so that method {} would end before it divides the "
            "data; raise num_epochs above {}, or lower warm_up",
            of.num_epochs, stages.size() > 1 ? " in one of two runs" : "", of.warm_up,
            recipe.method, of.warm_up * std::ssize(stages) + (std::ssize(stages) - 1));
  }
}

std::string class_set_warning(const Recipe& recipe) {
  const bool has_class_sets =
      recipe.contrastive == ContrastKind::kPlr || recipe.contrastive == ContrastKind::kFlatPlr;
  if (!has_class_sets || !divides(recipe)) return {};
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

}  // namespace bptplr
