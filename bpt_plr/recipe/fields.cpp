// Table of fields from which JSON, the command line and its help are generated.
#include "bpt_plr/recipe/fields.hpp"

#include <algorithm>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/text.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Returns the field Recipe::method, whose names are the files of bpt_plr/recipe/methods.
ChoicePointer method_field() {
  return {[](const Recipe& recipe) -> std::string_view { return recipe.method; },
          [](Recipe& recipe, std::string_view name) {
            const bool known =
                std::ranges::count(builtin_methods(), name, &BuiltinRecipe::name) > 0;
            if (known) recipe.method = name;
            return known;
          },
          method_names};
}

}  // namespace

const std::vector<RecipeField>& recipe_fields() {
  constexpr const char* kData = "Data";
  constexpr const char* kNetwork = "Network";
  constexpr const char* kTraining = "Training";
  constexpr const char* kWarmUp = "Warm-up";
  constexpr const char* kPartition = "Partition";
  constexpr const char* kSemi = "Semi-supervised training";
  constexpr const char* kContrastive = "Contrastive loss";
  constexpr const char* kPrototypes = "Prototypes";
  constexpr const char* kMachine = kMachineGroup.data();
  using R = Recipe;
  static const std::vector<RecipeField> fields{
      {"dataset", kData, "data set; shapes is built in and needs no files", &R::dataset},
      {"data_path", kData,
       "folder of the data set, as its archive was extracted, or the folder around that; csv: the "
       "manifest; features: the matrix [N, D] of float16 or float32, as .npy, .npz or safetensors; "
       "arrays: likewise uint8 [N, height, width, 3]",
       &R::data_path, needs::kFiles, Takes::kPath},
      {"num_class", kData,
       "number of classes; 0: as many as the data set has, which also beat those of a recipe",
       &R::num_class},
      {"subset", kData, "train on this many images, equally many a class; 0: on all", &R::subset},
      {"epoch_size", kData,
       "train on this many images an epoch, drawn anew for each, equally many a label; 0: on all",
       &R::epoch_size},
      {"labels", kData,
       "features, arrays: labels of the rows, as a list (JSON, text, .npy, .pt) or a CSV table "
       "with the "
       "column label and, where there are any, path, true_label and split; empty: in the file, or "
       "beside it under its name",
       &R::labels, needs::kRows, Takes::kPath},
      {"test_features", kData, "features, arrays: file of the test samples; empty: see test_split",
       &R::test_features, needs::kRows, Takes::kPath},
      {"test_labels", kData, "features, arrays: labels of test_features, as labels",
       &R::test_labels, needs::kRows, Takes::kPath},
      {"image_size", kData,
       "image files are made this many pixels high and wide; 0: 64, or 256 for clothing1m",
       &R::image_size, needs::kImageFiles},
      {"test_split", kData,
       "folder, csv, features and arrays without test samples: share of each class to test on, "
       "drawn by "
       "seed",
       &R::test_split},
      {"on_bad_image", kData,
       "what to do about image files that cannot be read: leave them out, or stop",
       &R::on_bad_image, needs::kImageFiles},
      {"exif", kData,
       "turn image files upright as their EXIF orientation says; auto: true for folder and csv, "
       "false where images are to be those of the published loaders",
       &R::exif, needs::kImageFiles},
      {"shapes_train", kData, "training images that shapes draws, at least 1", &R::shapes_train,
       needs::kShapes},
      {"shapes_test", kData, "test images that shapes draws, at least 1", &R::shapes_test,
       needs::kShapes},
      {"r", kData, "noise rate in [0, 1]: share of the training labels that are drawn anew", &R::r,
       needs::kNoiseRate},
      {"noise_mode", kData,
       "how labels are made wrong: to any class, to a similar one, where the image misleads, by "
       "people (CIFAR-10N, CIFAR-100N), not at all; auto: none for image files and features, else "
       "sym; a recipe for other data adds none to these",
       &R::noise_mode},
      {"human_set", kData, "which human labels of CIFAR-10N; CIFAR-100N has one set", &R::human_set,
       needs::kHumanLabels},
      {"human_path", kData, "folder or file of the human labels; empty: data_path", &R::human_path,
       needs::kHumanLabels, Takes::kPath},
      {"noise_file",
       kData,
       "labels of the training images, as a list (JSON, text, .npy, .pt) or by path (JSON, CSV), "
       "instead of what noise_mode and r would make; these still decide what warm_up_penalty auto "
       "and loss_history 0 are",
       &R::noise_file,
       {},
       Takes::kPath},
      {"crop", kData, "side in pixels of what networks see of an image; 0: all of it", &R::crop},
      {"crop_padding", kData,
       "pixels of zeros around an image that a random crop may reach into, at least 0",
       &R::crop_padding},
      {"weak_drop", kData,
       "weak views of features: share of their values that are set to the mean, in [0, 1)",
       &R::weak_drop, needs::kVectors},
      {"weak_noise", kData,
       "weak views of features: noise, in standard deviations of each value, at least 0",
       &R::weak_noise, needs::kVectors},
      {"strong_drop", kData, "strong views, likewise", &R::strong_drop, needs::kVectors},
      {"strong_noise", kData, "strong views, likewise", &R::strong_noise, needs::kVectors},

      {"arch", kNetwork,
       "which network; cnn9 is the 9-layer CNN of Co-teaching; mlp and linear take features",
       &R::arch},
      {"width", kNetwork,
       "channels of the first stage (cnn9: half of them), at least 1; 64 as published; mlp: units "
       "of "
       "a hidden layer",
       &R::width},
      {"blocks", kNetwork,
       "residual blocks of the four stages; empty: 2,2,2,2, for resnet50 3,4,6,3", &R::blocks},
      {"feature_dim", kNetwork, "values of a sample of features; 0: as many as the data set has",
       &R::feature_dim, needs::kVectors},
      {"depth", kNetwork, "mlp: hidden layers, at least 1", &R::depth, needs::kMlp},
      {"dropout", kNetwork, "mlp: share of the hidden units that training drops, in [0, 1)",
       &R::dropout, needs::kMlp},
      {"low_dim", kNetwork, "length of a projection, at least 1", &R::low_dim},
      {"shortcut", kNetwork,
       "preact_resnet: what a block without convolution in its shortcut adds: its input, or that "
       "activated",
       &R::shortcut},
      {"pool_side", kNetwork,
       "vgg19_bn: side of the map that classifier and projector see; 7 as published, where the "
       "projector alone takes 2.5 GB, or 1, the mean over all positions",
       &R::pool_side},
      {"projector", kNetwork,
       "between features and projection: two linear layers, or one and BatchNorm (UNICON)",
       &R::projector},
      {"pretrained",
       kNetwork,
       "weights to start from, of torch.save or safetensors, matched by name and shape; empty: "
       "none",
       &R::pretrained,
       {},
       Takes::kPath},

      {"preset", kTraining,
       "paper: the method as described; reference: as the published script does it (see "
       "docs/method.md)",
       &R::preset},
      {"method", kTraining,
       "the method, or a baseline: sets those of the fields below that make it", method_field()},
      {"networks", kTraining, "networks that train, 1 or 2; tested by the sum of their logits",
       &R::networks},
      {"num_epochs", kTraining, "epochs in all, warm-up included, at least 1", &R::num_epochs},
      {"second_run", kTraining,
       "FIELD=VALUE ...: train once more from new networks, for half of the epochs, with what the "
       "first run selected and with these fields; empty: no",
       &R::second_run},
      {"batch_size", kTraining, "samples of each set in an iteration, at least 1", &R::batch_size},
      {"warm_up", kTraining,
       "epochs of warm-up, at least 1; fewer than num_epochs where the method divides the data",
       &R::warm_up, needs::kDivision},
      {"seed", kTraining, "seed of all randomness, at least 0", &R::seed},
      {"lr", kTraining, "initial learning rate, above 0", &R::lr},
      {"momentum", kTraining, "momentum of SGD, in [0, 1)", &R::momentum},
      {"weight_decay", kTraining, "weight decay of SGD, at least 0", &R::weight_decay},
      {"lr_schedule", kTraining, "how the learning rate falls", &R::lr_schedule},
      {"lr_period", kTraining,
       "cosine: epochs until the lowest learning rate; 0: num_epochs, at most 380", &R::lr_period,
       needs::kCosine},
      {"lr_min_factor", kTraining, "cosine: lowest learning rate / lr, in [0, 1]",
       &R::lr_min_factor, needs::kCosine},
      {"lr_steps", kTraining,
       "step: EPOCH:DIVISOR,... or PERCENT%:DIVISOR, e.g. 80:10,140:100 or 50%:10; empty: constant",
       &R::lr_steps, needs::kSteps},
      {"sync_batch_norm", kTraining,
       "several ranks (mpirun): normalise by the statistics of the whole batch; false: by those of "
       "each rank's part, which is another training, with far fewer messages",
       &R::sync_batch_norm},

      {"warm_up_contrastive", kWarmUp, "contrastive loss on two strong views",
       &R::warm_up_contrastive},
      {"warm_up_contrastive_grad", kWarmUp,
       "train with that loss; false: only BatchNorm sees the strong views",
       &R::warm_up_contrastive_grad, needs::kWarmUpContrast},
      {"warm_up_temperature", kWarmUp, "temperature of that loss, above 0", &R::warm_up_temperature,
       needs::kWarmUpContrast},
      {"warm_up_batch_factor", kWarmUp, "batch of the warm-up / batch_size, at least 1",
       &R::warm_up_batch_factor},

      {"warm_up_penalty", kWarmUp, "punish confident predictions; auto: under asymmetric noise",
       &R::warm_up_penalty},
      {"plain_loss", kWarmUp, "loss of the classifier: cross-entropy, or generalised cross-entropy",
       &R::plain_loss},
      {"gce_q", kWarmUp, "gce: from 0 (excluded, cross-entropy) to 1 (mean absolute error)",
       &R::gce_q, needs::kGce},
      {"mixup_alpha", kWarmUp, "MixUp of images and labels with Beta(alpha, alpha); 0: none",
       &R::mixup_alpha},

      {"statistic", kPartition,
       "what is known of a label: cross-entropy, the same and that of the prototypes, or "
       "Jensen-Shannon distance to the mean of both networks",
       &R::statistic},
      {"selection", kPartition,
       "which labels to trust: mixture, balanced over the classes or not; equally many of each "
       "class below a cut-off; clean in every of the last epochs; mixture and what a first run "
       "found so; the share 1 - r with the smallest loss; none: train on all",
       &R::selection},
      {"exchange", kPartition,
       "divide once an epoch and train on the other network's part, or anew before each network",
       &R::exchange, needs::kDivision},
      {"p_threshold", kPartition,
       "clean probability above which a sample counts as clean, in [0, 1]", &R::p_threshold,
       needs::kMixture},
      {"loss_history", kPartition,
       "epochs that the classifier loss is averaged over; 0: 5 where r is 0.9, else 1",
       &R::loss_history, needs::kLosses},
      {"gmm_max_iter", kPartition, "EM iterations at most, at least 1", &R::gmm_max_iter,
       needs::kMixture},
      {"gmm_tol", kPartition, "change of the mean log-likelihood that ends EM, at least 0",
       &R::gmm_tol, needs::kMixture},
      {"gmm_reg_covar", kPartition, "added to the diagonals of the covariances, at least 0",
       &R::gmm_reg_covar, needs::kMixture},

      {"jsd_base", kPartition, "jsd: base of the logarithm", &R::jsd_base, needs::kDistance},
      {"d_mu", kPartition, "uniform: mean distance above which the cut-off is lowered, at least 0",
       &R::d_mu, needs::kUniform},
      {"filter_tau", kPartition,
       "uniform: lowered by 1 / filter_tau of its way to the smallest distance; at least 1",
       &R::filter_tau, needs::kUniform},
      {"trust_below", kPartition,
       "uniform: labels with a smaller distance are trusted fully, in [0, 1]", &R::trust_below,
       needs::kUniform},
      {"run_length", kPartition,
       "high_confidence: epochs in a row that a label must have been clean, at least 1",
       &R::run_length, needs::kHighConfidence},
      {"confident_window", kPartition,
       "high_confidence: the largest set of the last so many epochs goes to the second run",
       &R::confident_window, needs::kHighConfidence},

      {"trained_views", kSemi,
       "views that are mixed and trained on: strong ones, or those that gave the targets",
       &R::trained_views, needs::kDivision},
      {"epoch_length", kSemi,
       "iterations of an epoch: as many as cover all samples, or one pass over the labelled ones",
       &R::epoch_length, needs::kDivision},
      {"incomplete_batches", kSemi, "what is left at the end of a pass: dropped, or trained on",
       &R::incomplete_batches, needs::kDivision},
      {"batch_u", kSemi,
       "unlabelled samples of an iteration: batch_size, or that / (2 share below the cut-off)",
       &R::batch_u, needs::kDivision},
      {"lambda_u", kSemi, "weight of the unlabelled loss after its ramp, at least 0", &R::lambda_u,
       needs::kDivision},
      {"lambda_ramp", kSemi, "epochs over which lambda_u rises from 0, above 0", &R::lambda_ramp,
       needs::kDivision},
      {"T", kSemi, "sharpening temperature of the targets, above 0", &R::T, needs::kDivision},
      {"alpha", kSemi, "MixUp: parameter of the Beta distribution, above 0", &R::alpha,
       needs::kDivision},
      {"penalty", kSemi, "weight of the class-balance penalty, at least 0; 0: off", &R::penalty,
       needs::kDivision},

      {"contrastive", kContrastive, "contrastive loss beside the semi-supervised ones",
       &R::contrastive, needs::kDivision},
      {"contrastive_forward", kContrastive,
       "plr, flat_plr: forward its views in one batch with the mixture, or in one of their own",
       &R::contrastive_forward, needs::kClassSets},
      {"simclr_temperature", kContrastive, "simclr: temperature of that loss, above 0",
       &R::simclr_temperature, needs::kSimClr},
      {"lambda_c", kContrastive, "weight of that loss, at least 0", &R::lambda_c, needs::kContrast},
      {"tau", kContrastive, "plr, flat_plr: temperature of that loss, above 0", &R::tau,
       needs::kClassSets},
      {"kappa", kContrastive,
       "EPOCH:CLASSES,... or PERCENT%:CLASSES: how many top classes make a sample's class set, "
       "or all where there are fewer",
       &R::kappa, needs::kClassSets},
      {"class_set_rows", kContrastive,
       "look class sets up by the sample, or as the script does by its place in the subset",
       &R::class_set_rows, needs::kClassSets},

      {"proto_temperature", kPrototypes, "temperature of the prototype logits, above 0",
       &R::proto_temperature, needs::kPrototypes},
      {"proto_momentum", kPrototypes, "share of the old prototype that an update keeps, in [0, 1]",
       &R::proto_momentum, needs::kPrototypes},
      {"proto_threshold", kPrototypes,
       "confidence above which the mean prediction is taken, in [0, 1]", &R::proto_threshold,
       needs::kFixedThreshold},
      {"proto_source", kPrototypes, "features of an update: the network's own, or the other's",
       &R::proto_source, needs::kPrototypes},
      {"proto_target", kPrototypes, "which network an update changes: each its own, or network 1",
       &R::proto_target, needs::kPrototypes},
      {"pseudo_label", kPrototypes,
       "samples that move them: all, by the class that is sure enough or else the classifier's; or "
       "those above a threshold that adapts itself",
       &R::pseudo_label, needs::kPrototypes},
      {"pseudo_momentum", kPrototypes, "momentum of that threshold, in [0, 1]", &R::pseudo_momentum,
       needs::kAdaptiveThreshold},

      {"device", kMachine, "where to compute; auto: CUDA where there is one, else the CPU",
       &R::device},
      {"precision", kMachine,
       "of activations; bf16 needs CUDA, or a CPU with AVX512-BF16; sums and parameters stay "
       "float32",
       &R::precision},
      {"image_memory", kMachine,
       "where images wait for a GPU; auto: on it, if they take at most half of its free memory",
       &R::image_memory},
      {"cuda_graph", kMachine,
       "on a GPU, record a training iteration once and replay it (networks without dropout)",
       &R::cuda_graph},
      {"deterministic", kMachine,
       "on a GPU, choose kernels by rule and not by measured time: the same bits in every process, "
       "more slowly (a CPU's are always)",
       &R::deterministic},
      {"cache_dir", kMachine,
       "folder that keeps decoded image files; empty: $XDG_CACHE_HOME/bptplr or ~/.cache/bptplr",
       &R::cache_dir, needs::kImageFiles, Takes::kPath},
      {"cache_limit", kMachine,
       "GiB that decoded images may take there before the least recently used ones are removed; 0: "
       "half of what is free or theirs on the disk",
       &R::cache_limit, needs::kImageFiles},
      {"threads", kMachine, "CPU threads; 0: all", &R::threads},
      {"max_hours", kMachine,
       "stop after so many hours with a checkpoint to go on from (--resume); 0: no limit",
       &R::max_hours},
      {"keep_checkpoints", kMachine,
       "newest checkpoints that are kept, beside that of the best epoch, at least 1",
       &R::keep_checkpoints},
      {"log_format", kMachine,
       "what is printed while training: text, or json: an object an event, each on a line",
       &R::log_format},
      {"quiet",
       kMachine,
       "print warnings, errors and the last line only",
       &R::quiet,
       {},
       Takes::kNothing},
      {"out",
       kMachine,
       "folder of the results; empty: runs/DATASET_METHOD_NOISE_seedN",
       &R::out,
       {},
       Takes::kPath},
  };
  return fields;
}

const RecipeField& find_field(std::string_view name, std::string_view origin) {
  const auto& fields = recipe_fields();
  const auto field = std::ranges::find(fields, name, &RecipeField::name);
  if (field != fields.end()) return *field;
  std::vector<std::string> names;
  for (const RecipeField& known : fields) names.emplace_back(known.name);
  throw Error("{}: there is no recipe field '{}'{}; `bptplr train --help` lists all", origin,
              quotable(name), did_you_mean(name, names));
}

std::vector<std::string> RecipeField::choices() const {
  const auto* choice = std::get_if<ChoicePointer>(&pointer);
  return choice == nullptr ? std::vector<std::string>() : choice->names();
}

bool changes_results(const RecipeField& field) {
  return field.group != kMachineGroup || std::string_view(field.name) == "precision";
}

}  // namespace bptplr
