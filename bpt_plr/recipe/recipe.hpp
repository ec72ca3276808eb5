// A recipe: every choice of a run, by name. The same table of fields reads and writes JSON, makes
// the command-line flags and their help, and documents the defaults.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bptplr {

struct Recipe {
  // Data
  std::string dataset = "cifar10";
  std::string data_path;
  std::int64_t num_class = 0;
  std::int64_t subset = 0;
  std::int64_t epoch_size = 0;
  std::int64_t image_size = 0;
  double test_split = 0.0;
  std::string on_bad_image = "stop";
  std::int64_t shapes_train = 4000;
  std::int64_t shapes_test = 1000;
  double r = 0.5;
  std::string noise_mode = "auto";
  std::string human_set = "worse";
  std::string human_path;
  std::string noise_file;
  std::int64_t crop = 0;
  std::int64_t crop_padding = 4;

  // Network
  std::string arch = "preact_resnet";
  std::int64_t width = 64;
  std::string blocks;
  std::int64_t low_dim = 128;
  std::string shortcut = "activated";
  std::string projector = "mlp";
  std::string pretrained;

  // Training
  std::string preset = "paper";
  std::string method = "bptplr";
  std::int64_t networks = 2;
  std::int64_t num_epochs = 401;
  std::string second_run;
  std::int64_t batch_size = 64;
  std::int64_t warm_up = 10;
  std::int64_t seed = 123;
  double lr = 0.02;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  std::string lr_schedule = "cosine";
  std::int64_t lr_period = 0;
  double lr_min_factor = 0.01;
  std::string lr_steps;

  // Warm-up
  std::string warm_up_contrastive = "flat_nce";
  bool warm_up_contrastive_grad = true;
  double warm_up_temperature = 0.1;
  std::int64_t warm_up_batch_factor = 2;
  std::string warm_up_penalty = "auto";
  std::string plain_loss = "ce";
  double gce_q = 0.7;
  double mixup_alpha = 0.0;

  // Partition
  std::string statistic = "ce_prototype";
  std::string selection = "gmm_balanced";
  std::string exchange = "peer";
  double p_threshold = 0.5;
  std::int64_t loss_history = 0;
  std::int64_t gmm_max_iter = 10;
  double gmm_tol = 1e-2;
  double gmm_reg_covar = 5e-4;
  std::string jsd_base = "e";
  double d_mu = 0.7;
  double filter_tau = 5.0;
  double trust_below = 0.5;
  std::int64_t run_length = 5;
  std::int64_t confident_window = 150;

  // Semi-supervised training
  std::string trained_views = "strong";
  std::string epoch_length = "all";
  std::string incomplete_batches = "drop";
  std::string batch_u = "same";
  double lambda_u = 30.0;
  double lambda_ramp = 16.0;
  double T = 0.5;
  double alpha = 4.0;
  double penalty = 1.0;

  // Contrastive loss
  std::string contrastive = "plr";
  std::string contrastive_forward = "joint";
  double lambda_c = 1.0;
  double simclr_temperature = 0.05;
  double tau = 1.0;
  std::string kappa = "0:3,40:2,70:1";
  std::string class_set_rows = "sample";

  // Prototypes
  double proto_temperature = 0.1;
  double proto_momentum = 0.99;
  double proto_threshold = 0.8;
  std::string proto_source = "own";
  std::string proto_target = "own";
  std::string pseudo_label = "fixed";
  double pseudo_momentum = 0.99;

  // Machine
  std::string device = "auto";
  std::string precision = "float32";
  std::string image_memory = "auto";
  bool cuda_graph = true;
  std::string cache_dir;
  std::int64_t threads = 0;
  double max_hours = 0.0;
  std::int64_t keep_checkpoints = 2;
  std::string out;

  bool operator==(const Recipe&) const = default;
};

/// Where a field of a Recipe lies.
using FieldPointer =
    std::variant<std::string Recipe::*, std::int64_t Recipe::*, double Recipe::*, bool Recipe::*>;

/// One field: its name is the JSON key and, behind "--", the flag.
struct RecipeField {
  const char* name;
  const char* group;  ///< heading in --help
  const char* help;
  FieldPointer pointer;
  /// The words that a string field may hold; empty: any.
  std::vector<std::string> choices;
};

/// The group of the fields that say where a run computes and writes to.
inline constexpr std::string_view kMachineGroup = "Machine";
/// Whether it can change results by more than rounding differs between machines.
bool changes_results(const RecipeField& field);

/// All fields, in the order in which they are documented.
const std::vector<RecipeField>& recipe_fields();

/// A recipe that is part of the program: its name, one line about it, and the fields that differ
/// from the defaults.
struct BuiltinRecipe {
  const char* name;
  const char* help;
  const char* json;
};
/// By names for `--recipe`: what suits a data set and its noise.
const std::vector<BuiltinRecipe>& builtin_recipes();
/// By names for `--method`. The key "presets" holds, by preset, fields that differ in it; "preset"
/// the usual one, where that is not "paper".
const std::vector<BuiltinRecipe>& builtin_methods();

/// The recipe of a method: defaults, its fields, and those of its preset (empty: its usual one).
/// Throws Error for a word that is none.
Recipe method_recipe(const std::string& method, const std::string& preset = "");

/// Overwrites the fields that `json` names. Throws Error for an unknown field, a value of the wrong
/// type or one that is none of the choices, naming `origin` (a file, say) and the field.
void update_recipe(Recipe& recipe, const nlohmann::json& json, std::string_view origin);

/// The fields of a built-in recipe or of a JSON file. A recipe may hold the key "about", a line of
/// text for people. Throws Error when there is no such recipe, or the file is not JSON.
nlohmann::json read_recipe(const std::string& name_or_path);

/// The recipe of the method and its preset, overwritten by the fields of `file` (called `origin` in
/// errors), then by `overrides`, which come from the command line. Method and preset are those that
/// the overrides name, else the file. Throws Error as update_recipe does. The result is not
/// resolved.
Recipe compose_recipe(const nlohmann::json& file, std::string_view origin,
                      const nlohmann::json& overrides);

/// "field=value" for each field that changes results and differs from the method's recipe.
std::vector<std::string> deviations(const Recipe& recipe);

/// Every field, in JSON.
nlohmann::ordered_json to_json(const Recipe& recipe);

/// Does the data set consist of image files, which are decoded, resized and cached?
bool has_image_files(const Recipe& recipe);

/// Replaces the values that mean "choose for me" (lr_period 0, loss_history 0, 50% of the epochs,
/// ...) by what they come to (device becomes "cpu" or "cuda"), and checks every field and their
/// combination; only `threads`, `cache_dir` and `out` stay as they are, and num_class 0 where only
/// the data know it. Throws Error naming the field.
void resolve(Recipe& recipe);

/// A sentence where the recipe, a resolved one, has so few classes that the PLR loss is idle for a
/// while: more than half of the classes in each set, and no two sets are disjoint. Else empty.
std::string class_set_warning(const Recipe& recipe);

/// The part of `resolve` that make_network needs, where there are no data to train on.
void resolve_network(Recipe& recipe);

/// Decimal digits, with or without a minus, that 64 bits hold; else nothing.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// "a,b,c" as integers; throws Error naming `field`.
std::vector<std::int64_t> parse_integers(std::string_view text, std::string_view field);

/// "field=value field=value" as recipe fields. Throws Error naming `origin`.
nlohmann::json parse_fields(std::string_view text, std::string_view origin);

/// Is the training set divided into a labelled and an unlabelled one, or all of it trained on?
bool divides(const Recipe& recipe);
/// Do prototypes say how clean a label is? Else nothing asks for them.
bool uses_prototypes(const Recipe& recipe);
/// The same, where it has an epoch after the warm-up.
bool will_use_prototypes(const Recipe& recipe);

/// "EPOCH:VALUE,..." with rising epochs, e.g. kappa or lr_steps; before `resolve` also
/// "PERCENT%:VALUE", of the epochs that a training run has.
struct ScheduleEntry {
  std::int64_t epoch = 0;
  double value = 0.0;
};
std::vector<ScheduleEntry> parse_schedule(std::string_view text, std::string_view field);
/// The value of the last entry that `epoch` has reached; `before` ahead of the first.
double scheduled(const std::vector<ScheduleEntry>& schedule, std::int64_t epoch, double before);

/// The schedule with PERCENT% replaced by the epoch that it comes to, rounded down.
std::string resolve_percentages(std::string_view schedule, std::string_view field,
                                std::int64_t num_epochs);

/// The learning rate of an epoch, counted from 0, of a resolved recipe.
double learning_rate(const Recipe& recipe, std::int64_t epoch);

/// The `blocks` that the published network of that `arch` has; empty for one without stages of
/// residual blocks.
std::string usual_blocks(const Recipe& recipe);

/// The four numbers of `blocks` of a resolved recipe.
std::array<int, 4> stage_blocks(const Recipe& recipe);

}  // namespace bptplr
