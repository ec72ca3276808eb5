#include "bpt_plr/train/trainer.hpp"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <utility>

#include "bpt_plr/method/prototypes.hpp"
#include "bpt_plr/recipe/checks.hpp"
#include "bpt_plr/recipe/schedules.hpp"
#include "bpt_plr/train/agreement.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/precision.hpp"
#include "kernels/determinism.hpp"

namespace bptplr {
namespace {

/// Measures seconds since its construction.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Returns the place of the division that network k trains on: that of the other network, or the
/// only one.
std::size_t division_for(int k, std::size_t divisions) {
  return divisions == 1 ? 0 : static_cast<std::size_t>(1 - k);
}

/// Returns the name of a tensor of checkpoints, see Trainer::evidence_for_first_.
std::string evidence_name(std::size_t place) {
  return fmt::format("evidence_for_first.{}", place);
}

}  // namespace

Trainer::Trainer(Recipe recipe, const TrainingData& data, TrainingObserver& observer,
                 Communicator& group)
    : recipe_(std::move(recipe)),
      data_(data),
      observer_(observer),
      group_(group),
      train_views_(make_view_maker(recipe_, data.dataset, data.dataset.train)),
      test_views_(make_view_maker(recipe_, data.dataset, data.dataset.test)),
      stages_(stages_of(recipe_)) {
  require(data.dataset.num_classes() == recipe_.num_class,
          "--num_class {} does not fit the data set {}, which has {} classes", recipe_.num_class,
          data.dataset.name, data.dataset.num_classes());
  if (std::ranges::any_of(stages_, [](const Stage& s) { return will_use_prototypes(s.recipe); })) {
    require_every_class(data.noisy_labels, data.dataset.class_names);
  }
  // Ranks divide the samples each for itself, so their GPUs must round alike.
  kernels::set_deterministic(recipe_.deterministic || !group.is_alone());
  require(recipe_.batch_size >= group.size(),
          "a batch of {} has no work for {} ranks; start fewer, or choose a larger --batch_size",
          recipe_.batch_size, group.size());
  require_agreement(group, hash_training_data(data), "the training images or labels",
                    "give all hosts the same files");
  group.use(train_views_->device());
  begin_stage(0);
  if (recipe_.threads > 0) omp_set_num_threads(static_cast<int>(recipe_.threads));
}

bool Trainer::run() {
  const CpuPrecisionScope precision(recipe_.precision);
  for (const Stage& stage : stages_) {
    const std::string warning = class_set_warning(stage.recipe);
    if (!warning.empty()) observer_.on_warning(warning);
  }
  try {
    while (position_.epoch < recipe_.num_epochs) {
      run_epoch();
      stop_if_wanted();
    }
  } catch (const Stopped&) {
    agree_on_statistics();  // a checkpoint has those of one network
    return false;
  }
  return true;
}

Checkpoint Trainer::checkpoint() const {
  Checkpoint checkpoint;
  checkpoint.position = position_;
  checkpoint.recipe = recipe_;
  checkpoint.data_hash = hash_training_data(data_);
  checkpoint.accuracies = accuracies_;
  if (position_.within_epoch()) checkpoint.loss_sums = loss_means_.sums();
  // Within a divided epoch, the networks' outputs for its samples are part of the state.
  const bool with_outputs = position_.within_epoch() && is_divided(position_.epoch);
  for (int i = 0; i < num_networks(); ++i) {
    learners_[static_cast<std::size_t>(i)]->save(i + 1, with_outputs, checkpoint.tensors);
  }
  parts_->save(checkpoint.tensors);
  if (position_.within_epoch() && position_.network == 1) {
    for (std::size_t i = 0; i < evidence_for_first_.size(); ++i) {
      checkpoint.tensors.emplace(evidence_name(i), evidence_for_first_[i].first.to(Device{}));
    }
  }
  return checkpoint;
}

void Trainer::restore(const Checkpoint& checkpoint, const std::string& origin) {
  require_same_run(recipe_, checkpoint.recipe, origin);
  require(hash_training_data(data_, checkpoint.format) == checkpoint.data_hash,
          "the training images or labels are not those of the run in {}; name them with "
          "--data_path, or choose another --out",
          origin);
  position_ = checkpoint.position;
  accuracies_ = checkpoint.accuracies;
  // Between two epochs the state is that of the previous one.
  const bool is_of_last = !position_.within_epoch() && position_.epoch > 0;
  begin_stage(stage_of(position_.epoch - (is_of_last ? 1 : 0)));
  loss_means_ = position_.within_epoch() ? LossMeans(checkpoint.loss_sums) : LossMeans();
  for (int i = 0; i < num_networks(); ++i) learner(i).load(i + 1, checkpoint.tensors);
  parts_->load(checkpoint.tensors);
  evidence_for_first_.clear();
  for (auto found = checkpoint.tensors.find(evidence_name(0)); found != checkpoint.tensors.end();
       found = checkpoint.tensors.find(evidence_name(evidence_for_first_.size()))) {
    evidence_for_first_.push_back({found->second.to(train_views_->device()), {}});
  }
}

std::size_t Trainer::stage_of(std::int64_t epoch) const {
  std::size_t stage = stages_.size() - 1;
  while (stages_[stage].first_epoch > epoch) --stage;
  return stage;
}

/// Creates new networks, and hands over the results of selection so far.
void Trainer::begin_stage(std::size_t stage) {
  TensorMap handed_over;
  if (parts_ && parts_->selection) parts_->selection->save(handed_over);
  stage_ = stage;
  learners_.clear();
  for (int i = 0; i < recipe().networks; ++i) {
    learners_.push_back(std::make_unique<Learner>(recipe(), i, group_));
  }
  if (!recipe().pretrained.empty()) {
    pretrained_ = load_pretrained(recipe().pretrained, networks());
  }
  parts_.emplace(recipe());
  if (parts_->selection) parts_->selection->load(handed_over);
}

std::vector<Network*> Trainer::networks() const {
  std::vector<Network*> networks;
  for (const auto& learner : learners_) networks.push_back(learner->network.get());
  return networks;
}

std::vector<const KeptOutputs*> Trainer::kept_outputs() const {
  std::vector<const KeptOutputs*> kept;
  for (const auto& learner : learners_) kept.push_back(&learner->kept);
  return kept;
}

bool Trainer::has_outputs() const {
  return std::ranges::all_of(learners_,
                             [](const auto& learner) { return learner->kept.logits.defined(); });
}

/// Returns whether any rank is to stop.
bool Trainer::wants_stop() {
  return group_.any(observer_.wants_stop());
}

void Trainer::stop_if_wanted() {
  if (wants_stop()) throw Stopped{};
}

/// Throws Error where the networks of the ranks have drifted apart.
void Trainer::require_same_parameters() const {
  if (group_.is_alone()) return;
  std::vector<Tensor> parameters;
  for (const auto& learner : learners_) {
    for (const Tensor& of : learner->network->named().parameters()) parameters.push_back(of);
  }
  require_agreement(group_, hash_tensors(parameters), "the networks",
                    "start all on processors of one kind, from the last checkpoint (--resume)");
}

/// Gives ranks that each normalise by their own part of a batch the same running statistics. These
/// are linear in what they begin with, and training does not read them: it makes no difference how
/// often ranks agree before a network is evaluated.
void Trainer::agree_on_statistics() {
  if (recipe().sync_batch_norm) return;
  for (const Network* network : networks()) average_statistics(group_, network->named());
}

/// Runs the epoch at position_, from there on.
void Trainer::run_epoch() {
  if (stage_of(position_.epoch) != stage_) begin_stage(stage_of(position_.epoch));
  EpochMetrics metrics;
  metrics.epoch = position_.epoch;
  metrics.lr = learning_rate(recipe(), within_stage(metrics.epoch));
  if (!position_.within_epoch()) loss_means_ = {};
  samples_ = draw_epoch_samples(recipe_, data_, metrics.epoch);
  if (is_divided(metrics.epoch)) {
    metrics.phase = recipe_.method;
    divided_epoch(metrics);
  } else {
    metrics.phase = divides(recipe()) ? "warm_up" : recipe_.method;
    plain_epoch(metrics);
    divide_after_warm_up(metrics.epoch);
    begin_prototypes(metrics);
  }
  metrics.losses = loss_means_.means();
  require_same_parameters();
  test(metrics);
  metrics.peak_memory_gib =
      static_cast<double>(memory_use(train_views_->device()).peak) / (1U << 30U);
  position_ = {metrics.epoch + 1, 0, 0};
  observer_.on_epoch(metrics);
}

/// Trains an epoch of warm-up, or of a baseline.
void Trainer::plain_epoch(EpochMetrics& metrics) {
  const Stopwatch watch;
  std::int64_t images = 0;
  for (int i = position_.network; i < num_networks(); ++i) {
    images +=
        warm_up_epoch(network_epoch(metrics.epoch, i), control(metrics.epoch, i, metrics.phase),
                      *learner(i).network, learner(i).optimizer);
  }
  agree_on_statistics();
  metrics.seconds["train"] = watch.seconds();
  metrics.images_per_s = static_cast<double>(images) / watch.seconds();
}

/// Gives a selection that uses earlier epochs the last ones of the warm-up, divided by the outputs
/// of network 1.
void Trainer::divide_after_warm_up(std::int64_t epoch) {
  if (!parts_->selection) return;
  if (within_stage(epoch) < recipe().warm_up - parts_->selection->warm_up_epochs()) return;
  evaluate_samples(epoch, 0);
  const KeptOutputs* kept = &learner(0).kept;
  divide(*parts_, std::vector{kept, kept}, samples_, {epoch, within_stage(epoch)});
}

/// Makes the prototypes that the first divided epoch begins with, at the end of the warm-up: the
/// models that are written then hold them. Before, and in methods without, they are zeros.
void Trainer::begin_prototypes(EpochMetrics& metrics) {
  const bool ends_warm_up = within_stage(metrics.epoch) + 1 == recipe().warm_up;
  if (!will_use_prototypes(recipe()) || !ends_warm_up) return;
  const Stopwatch watch;
  samples_ = draw_epoch_samples(recipe_, data_, metrics.epoch + 1);
  for (int i = 0; i < num_networks(); ++i) {
    initialize_prototypes(outputs_for_samples(metrics.epoch, i).projection, samples_.noisy_labels,
                          data_.dataset.class_names, learner(i).network->prototypes());
  }
  metrics.seconds["partition"] += watch.seconds();
}

/// Runs steps 1 to 6.
void Trainer::divided_epoch(EpochMetrics& metrics) {
  const int first = position_.network;
  if (recipe().exchange == Exchange::kJoint && first == 1) report_earlier_division(metrics);
  std::vector<Division> divisions;
  std::int64_t images = 0;
  for (int k = first; k < 2; ++k) {
    if (k == first || recipe().exchange == Exchange::kJoint) {
      const Stopwatch watch;
      // A run resumed within an epoch has the outputs from its checkpoint.
      if (k != first || !position_.within_epoch() || !has_outputs()) {
        begin_division(k);
        for (int i = 0; i < 2; ++i) evaluate_samples(metrics.epoch, i);
      }
      divisions = divide_samples(metrics, k);
      metrics.seconds["partition"] += watch.seconds();
    }
    const Stopwatch watch;
    images += train_on(divisions[division_for(k, divisions.size())], metrics.epoch, k);
    metrics.seconds["train"] += watch.seconds();
  }
  metrics.images_per_s = static_cast<double>(images) / metrics.seconds["train"];
}

/// Discards outputs before network k is trained on a new division; a run stopped before that
/// division resumes here.
void Trainer::begin_division(int k) {
  for (const auto& learner : learners_) learner->kept = {};
  position_ = {position_.epoch, k, 0};
}

/// Returns the outputs of a network for every one of the samples.
Network::Output Trainer::outputs_for_samples(std::int64_t epoch, int index) {
  const auto report = [&](std::int64_t done, std::int64_t total) {
    observer_.on_progress(
        {epoch, recipe_.num_epochs, "partition", index + 1, done, total, done, {}});
    stop_if_wanted();
  };
  return evaluate(*learner(index).network, *train_views_, samples_.indices, report, group_);
}

/// Computes and keeps the outputs of a network for every sample of the epoch (step 1).
void Trainer::evaluate_samples(std::int64_t epoch, int index) {
  Network& network = *learner(index).network;
  Network::Output output = outputs_for_samples(epoch, index);
  // Again, for a run that an earlier version, or a stop, left without them.
  if (uses_prototypes(recipe()) && within_stage(epoch) == recipe().warm_up) {
    initialize_prototypes(output.projection, samples_.noisy_labels, data_.dataset.class_names,
                          network.prototypes());
  }
  learner(index).kept = keep_outputs(recipe(), network, std::move(output));
}

/// Divides the samples by the networks' outputs (steps 1 to 3), for network k at least. `metrics`
/// gets the divisions of both networks, or, where an epoch divides anew for each, that of k.
std::vector<Division> Trainer::divide_samples(EpochMetrics& metrics, int k) {
  const std::int64_t epoch = metrics.epoch;
  Divided divided = divide(*parts_, kept_outputs(), samples_, {epoch, within_stage(epoch)});
  require_agreement(group_, hash_divisions(divided.divisions), "the labelled and unlabelled sets",
                    "start all on processors of one kind, from the last checkpoint (--resume)");
  if (recipe().exchange == Exchange::kJoint) {
    report_for(k, divided, metrics);
    if (k == 0) evidence_for_first_ = divided.evidence;
  } else {
    report_division(divided.divisions, divided.evidence, samples_, recipe().num_class, metrics);
  }
  std::int64_t network = 0;
  for (const Division& division : divided.divisions) {
    for (const auto& warning : small_set_warnings(recipe(), division, epoch, ++network)) {
      observer_.on_warning(warning);
    }
  }
  return std::move(divided.divisions);
}

/// Adds to `metrics` the division that network k trains on.
void Trainer::report_for(int k, const Divided& divided, EpochMetrics& metrics) const {
  const std::size_t place = division_for(k, divided.divisions.size());
  report_division(std::span(divided.divisions).subspan(place, 1),
                  std::span(divided.evidence).subspan(place, 1), samples_, recipe().num_class,
                  metrics);
}

/// Adds to `metrics` the division that network 1 trained on before the run was stopped within the
/// training of network 2. A checkpoint of an earlier version lacks it.
void Trainer::report_earlier_division(EpochMetrics& metrics) {
  if (evidence_for_first_.empty()) return;
  const std::int64_t epoch = metrics.epoch;
  Divided divided{evidence_for_first_, {}};
  divided.divisions = parts_->selection->divide({epoch, within_stage(epoch), samples_.noisy_labels},
                                                divided.evidence);
  report_for(0, divided, metrics);
}

/// Trains network k and updates prototypes (steps 5, 6). Returns the number of samples drawn.
std::int64_t Trainer::train_on(const Division& division, std::int64_t epoch, int k) {
  Learner& other = learner(1 - k);
  const std::int64_t images = semi_supervised_epoch(
      network_epoch(epoch, k), control(epoch, k, "train"), division, other.kept.logits,
      *learner(k).network, *other.network, learner(k).optimizer);
  agree_on_statistics();  // the other network may train by this one's outputs next
  if (parts_->pseudo_labels) {
    const KeptOutputs& source =
        recipe().proto_source == ProtoSource::kOwn ? learner(k).kept : other.kept;
    Learner& target = learner(recipe().proto_target == ProtoTarget::kOwn ? k : 0);
    move_prototypes(*parts_, recipe(), source, within_stage(epoch), target.network->prototypes());
  }
  return images;
}

/// Tests the networks (step 7), if there is anything to test them on.
void Trainer::test(EpochMetrics& metrics) {
  if (data_.dataset.test.size() == 0) {
    metrics.test_acc = metrics.best_acc = metrics.mean_last10 =
        std::numeric_limits<double>::quiet_NaN();
    return;
  }
  observer_.on_progress({metrics.epoch, recipe_.num_epochs, "test", 0, 0, 1, 0, {}});
  const Stopwatch watch;
  metrics.test_acc = test_accuracy(networks(), *test_views_, data_.dataset.test.labels, group_);
  metrics.seconds["test"] = watch.seconds();
  accuracies_.push_back(metrics.test_acc);
  metrics.best_acc = *std::max_element(accuracies_.begin(), accuracies_.end());
  const auto last = std::min<std::ptrdiff_t>(10, std::ssize(accuracies_));
  metrics.mean_last10 =
      std::accumulate(accuracies_.end() - last, accuracies_.end(), 0.0) / static_cast<double>(last);
}

NetworkEpoch Trainer::network_epoch(std::int64_t epoch, int network) const {
  return {recipe(), samples_, *train_views_, epoch, within_stage(epoch), network, &group_};
}

EpochControl Trainer::control(std::int64_t epoch, int network, std::string phase) {
  return {network == position_.network ? position_.iteration : 0,
          [this, epoch, network, phase = std::move(phase)](
              std::int64_t iteration, std::int64_t iterations, std::int64_t images,
              const LossTerms& losses) {
            loss_means_.add(losses);
            position_ = {epoch, network, iteration};
            observer_.on_progress({epoch, recipe_.num_epochs, phase, network + 1, iteration,
                                   iterations, images, losses});
          },
          [this] { return wants_stop(); },
          [this](const std::string& sentence) { observer_.on_warning(sentence); }};
}

}  // namespace bptplr
