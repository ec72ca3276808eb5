// Recipe: every choice of a run. fields.hpp names its fields for JSON and the command line.
#pragma once

#include <cstdint>
#include <string>

#include "bpt_plr/recipe/choices.hpp"
#include "data/images/on_bad_image.hpp"
#include "data/images/use_exif.hpp"
#include "data/noise/human_labels.hpp"
#include "data/noise/noise.hpp"
#include "data/sample_memory.hpp"
#include "data/sets/dataset_kind.hpp"
#include "engine/device.hpp"
#include "engine/precision.hpp"
#include "models/network_config.hpp"

namespace bptplr {

struct Recipe {
  // Data
  DatasetKind dataset = DatasetKind::kCifar10;
  std::string data_path;
  std::int64_t num_class = 0;
  std::int64_t subset = 0;
  std::int64_t epoch_size = 0;
  std::string labels;
  std::string test_features;
  std::string test_labels;
  std::int64_t image_size = 0;
  double test_split = 0.0;
  OnBadImage on_bad_image = OnBadImage::kStop;
  UseExif exif = UseExif::kAuto;
  std::int64_t shapes_train = 4000;
  std::int64_t shapes_test = 1000;
  double r = 0.5;
  NoiseMode noise_mode = NoiseMode::kAuto;
  HumanSet human_set = HumanSet::kWorse;
  std::string human_path;
  std::string noise_file;
  std::int64_t crop = 0;
  std::int64_t crop_padding = 4;
  double weak_drop = 0.0;
  double weak_noise = 0.0;
  double strong_drop = 0.0;
  double strong_noise = 0.0;

  // Network
  Arch arch = Arch::kPreActResNet;
  std::int64_t width = 64;
  std::string blocks;
  std::int64_t feature_dim = 0;
  std::int64_t depth = 2;
  double dropout = 0.0;
  std::int64_t low_dim = 128;
  Shortcut shortcut = Shortcut::kActivated;
  std::int64_t pool_side = kPublishedPool;
  Projector projector = Projector::kMlp;
  std::string pretrained;

  // Training
  Preset preset = Preset::kPaper;
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
  LrSchedule lr_schedule = LrSchedule::kCosine;
  std::int64_t lr_period = 0;
  double lr_min_factor = 0.01;
  std::string lr_steps;
  bool sync_batch_norm = true;

  // Warm-up
  WarmUpContrastive warm_up_contrastive = WarmUpContrastive::kFlatNce;
  bool warm_up_contrastive_grad = true;
  double warm_up_temperature = 0.1;
  std::int64_t warm_up_batch_factor = 2;
  WarmUpPenalty warm_up_penalty = WarmUpPenalty::kAuto;
  PlainLoss plain_loss = PlainLoss::kCrossEntropy;
  double gce_q = 0.7;
  double mixup_alpha = 0.0;

  // Partition
  StatisticKind statistic = StatisticKind::kCePrototype;
  SelectionKind selection = SelectionKind::kGmmBalanced;
  Exchange exchange = Exchange::kPeer;
  double p_threshold = 0.5;
  std::int64_t loss_history = 0;
  std::int64_t gmm_max_iter = 10;
  double gmm_tol = 1e-2;
  double gmm_reg_covar = 5e-4;
  JsdBase jsd_base = JsdBase::kE;
  double d_mu = 0.7;
  double filter_tau = 5.0;
  double trust_below = 0.5;
  std::int64_t run_length = 5;
  std::int64_t confident_window = 150;

  // Semi-supervised training
  TrainedViews trained_views = TrainedViews::kStrong;
  EpochLength epoch_length = EpochLength::kAll;
  IncompleteBatches incomplete_batches = IncompleteBatches::kDrop;
  BatchU batch_u = BatchU::kSame;
  double lambda_u = 30.0;
  double lambda_ramp = 16.0;
  double T = 0.5;
  double alpha = 4.0;
  double penalty = 1.0;

  // Contrastive loss
  ContrastKind contrastive = ContrastKind::kPlr;
  ContrastiveForward contrastive_forward = ContrastiveForward::kJoint;
  double lambda_c = 1.0;
  double simclr_temperature = 0.05;
  double tau = 1.0;
  std::string kappa = "0:3,40:2,70:1";
  ClassSetRows class_set_rows = ClassSetRows::kSample;

  // Prototypes
  double proto_temperature = 0.1;
  double proto_momentum = 0.99;
  double proto_threshold = 0.8;
  ProtoSource proto_source = ProtoSource::kOwn;
  ProtoTarget proto_target = ProtoTarget::kOwn;
  PseudoLabelKind pseudo_label = PseudoLabelKind::kFixed;
  double pseudo_momentum = 0.99;

  // Machine
  DeviceChoice device = DeviceChoice::kAuto;
  Precision precision = Precision::kFloat32;
  SampleMemory image_memory = SampleMemory::kAuto;
  bool cuda_graph = true;
  bool deterministic = false;
  std::string cache_dir;
  double cache_limit = 0.0;
  std::int64_t threads = 0;
  double max_hours = 0.0;
  std::int64_t keep_checkpoints = 2;
  LogFormat log_format = LogFormat::kText;
  bool quiet = false;
  std::string out;

  bool operator==(const Recipe&) const = default;
};

/// Returns whether the training set is divided into a labelled and an unlabelled one; otherwise
/// networks train on all of it.
bool divides(const Recipe& recipe);
/// Returns whether the prototypes judge labels; otherwise nothing uses them.
bool uses_prototypes(const Recipe& recipe);
/// Returns whether the recipe uses prototypes and has an epoch after the warm-up.
bool will_use_prototypes(const Recipe& recipe);

}  // namespace bptplr
