#include "bpt_plr/train/trainer.hpp"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "bpt_plr/method/ops.hpp"
#include "bpt_plr/method/parts.hpp"
#include "bpt_plr/method/prototypes.hpp"
#include "bpt_plr/recipe/stages.hpp"
#include "bpt_plr/train/batch_maker.hpp"
#include "bpt_plr/train/epoch.hpp"
#include "bpt_plr/train/epoch_samples.hpp"
#include "bpt_plr/train/learner.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {
namespace {

/// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::vector<Network*> networks_of(const std::vector<std::unique_ptr<Learner>>& learners) {
  std::vector<Network*> networks;
  networks.reserve(learners.size());
  for (const auto& learner : learners) networks.push_back(learner->network.get());
  return networks;
}

}  // namespace

ViewMaker make_view_maker(const Recipe& recipe, const Dataset& dataset, const Images& images) {
  const DType dtype = recipe.precision == "bf16" ? DType::kBfloat16 : DType::kFloat32;
  const ImageMemory memory = recipe.image_memory == "device" ? ImageMemory::kDevice
                             : recipe.image_memory == "host" ? ImageMemory::kHost
                                                             : ImageMemory::kAuto;
  const ViewGeometry geometry{static_cast<int>(recipe.crop), static_cast<int>(recipe.crop_padding)};
  return {images, dataset.mean, dataset.std, geometry, parse_device(recipe.device), dtype, memory};
}

class Trainer::Impl {
 public:
  Impl(Recipe recipe, const TrainingData& data, TrainingObserver& observer)
      : recipe_(std::move(recipe)),
        data_(data),
        observer_(observer),
        train_views_(make_view_maker(recipe_, data.dataset, data.dataset.train.images)),
        test_views_(make_view_maker(recipe_, data.dataset, data.dataset.test.images)),
        stages_(stages_of(recipe_)) {
    require(data.dataset.num_classes() == recipe_.num_class,
            "--num_class {} does not fit the data set {}, which has {} classes", recipe_.num_class,
            data.dataset.name, data.dataset.num_classes());
    if (std::ranges::any_of(stages_,
                            [](const Stage& s) { return will_use_prototypes(s.recipe); })) {
      require_every_class(data.noisy_labels, data.dataset.class_names);
    }
    begin_stage(0);
    if (recipe_.threads > 0) omp_set_num_threads(static_cast<int>(recipe_.threads));
  }

  bool run() {
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
      return false;
    }
    return true;
  }

  Checkpoint checkpoint() const {
    Checkpoint checkpoint{position_, recipe_, hash_training_data(data_), accuracies_, {}, {}};
    if (position_.within_epoch()) checkpoint.loss_sums = loss_means_.sums();
    for (int i = 0; i < std::ssize(learners_); ++i) {
      learners_[static_cast<std::size_t>(i)]->save(i + 1, holds_outputs(), checkpoint.tensors);
    }
    parts_->save(checkpoint.tensors);
    return checkpoint;
  }

  void restore(const Checkpoint& checkpoint, const std::string& origin) {
    require_same_run(recipe_, checkpoint.recipe, origin);
    require(hash_training_data(data_) == checkpoint.data_hash,
            "the training images or labels are not those of the run in {}; name them with "
            "--data_path, or choose another --out",
            origin);
    position_ = checkpoint.position;
    accuracies_ = checkpoint.accuracies;
    // Between two epochs the state is that of the one before.
    const bool is_of_last = !position_.within_epoch() && position_.epoch > 0;
    begin_stage(stage_of(position_.epoch - (is_of_last ? 1 : 0)));
    loss_means_ = position_.within_epoch() ? LossMeans(checkpoint.loss_sums) : LossMeans();
    for (int i = 0; i < std::ssize(learners_); ++i) {
      learner_at(i).load(i + 1, checkpoint.tensors);
    }
    parts_->load(checkpoint.tensors);
  }

  const std::vector<std::unique_ptr<Learner>>& learners() const { return learners_; }
  const std::optional<NamedTensors::Match>& pretrained() const { return pretrained_; }

 private:
  /// The stage under way, its recipe, and the number of an epoch within it.
  const Recipe& recipe() const { return stages_[stage_].recipe; }
  std::int64_t within_stage(std::int64_t epoch) const {
    return epoch - stages_[stage_].first_epoch;
  }
  std::size_t stage_of(std::int64_t epoch) const {
    std::size_t stage = stages_.size() - 1;
    while (stages_[stage].first_epoch > epoch) --stage;
    return stage;
  }

  /// New networks, and what the selection so far hands over.
  void begin_stage(std::size_t stage) {
    TensorMap handed_over;
    if (parts_ && parts_->selection) parts_->selection->save(handed_over);
    stage_ = stage;
    learners_.clear();
    for (int i = 0; i < recipe().networks; ++i) {
      learners_.push_back(std::make_unique<Learner>(recipe(), i));
    }
    if (!recipe().pretrained.empty()) {
      pretrained_ = load_pretrained(recipe().pretrained, networks_of(learners_));
    }
    parts_.emplace(recipe());
    if (parts_->selection) parts_->selection->load(handed_over);
  }

  bool is_divided(std::int64_t epoch) const {
    return divides(recipe()) && within_stage(epoch) >= recipe().warm_up;
  }

  /// Whether the epoch under way depends on what the networks said about its samples.
  bool holds_outputs() const { return position_.within_epoch() && is_divided(position_.epoch); }

  void stop_if_wanted() {
    if (observer_.wants_stop()) throw Stopped{};
  }

  /// The epoch at position_, from there on.
  void run_epoch() {
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
      judge_warm_up(metrics);
    }
    metrics.losses = loss_means_.means();
    test(metrics);
    metrics.peak_memory_gib =
        static_cast<double>(memory_use(train_views_.device()).peak) / (1U << 30U);
    position_ = {metrics.epoch + 1, 0, 0};
    observer_.on_epoch(metrics);
  }

  /// Warm-up, or a baseline.
  void plain_epoch(EpochMetrics& metrics) {
    const Stopwatch watch;
    std::int64_t images = 0;
    for (int i = position_.network; i < std::ssize(learners_); ++i) {
      Learner& learner = learner_at(i);
      images +=
          warm_up_epoch(context(metrics, i, metrics.phase), *learner.network, learner.optimizer);
    }
    metrics.seconds["train"] = watch.seconds();
    metrics.images_per_s = static_cast<double>(images) / watch.seconds();
  }

  /// What the selection wants to know of the last epochs of the warm-up.
  void judge_warm_up(const EpochMetrics& metrics) {
    if (!parts_->selection) return;
    const std::int64_t epoch = within_stage(metrics.epoch);
    if (epoch < recipe().warm_up - parts_->selection->warm_up_epochs()) return;
    keep_outputs(metrics, 0);
    const KeptOutputs* kept = &learner_at(0).kept;
    const auto evidence =
        parts_->statistic->update(metrics.epoch, std::vector{kept, kept}, samples_.noisy_labels);
    parts_->selection->divide({metrics.epoch, epoch, samples_.noisy_labels}, evidence);
  }

  /// Steps 1 to 6.
  void divided_epoch(EpochMetrics& metrics) {
    const int first = position_.network;
    std::vector<Division> divisions;
    std::int64_t images = 0;
    for (int k = first; k < 2; ++k) {
      if (k == first || recipe().exchange == "joint") {
        const Stopwatch watch;
        // A run that goes on within an epoch has them from its checkpoint.
        if (k != first || !position_.within_epoch() || !have_outputs()) {
          begin_division(k);
          for (int i = 0; i < 2; ++i) keep_outputs(metrics, i);
        }
        divisions = divide(metrics);
        metrics.seconds["partition"] += watch.seconds();
      }
      const Stopwatch watch;
      images += train_on(
          divisions.size() == 1 ? divisions.front() : divisions[static_cast<std::size_t>(1 - k)],
          metrics, k);
      metrics.seconds["train"] += watch.seconds();
    }
    metrics.images_per_s = static_cast<double>(images) / metrics.seconds["train"];
  }

  bool have_outputs() const {
    return std::ranges::all_of(learners_,
                               [](const auto& learner) { return learner->kept.logits.defined(); });
  }

  /// Before network k is trained on a division yet to be made: where the run stops until then, it
  /// goes on from here, with no outputs.
  void begin_division(int k) {
    for (const auto& learner : learners_) learner->kept = {};
    position_ = {position_.epoch, k, 0};
  }

  /// Steps 5 and 6 for network k. Returns how many samples it drew.
  std::int64_t train_on(const Division& division, const EpochMetrics& metrics, int k) {
    Learner& learner = learner_at(k);
    const Learner& other = learner_at(1 - k);
    const std::int64_t images =
        semi_supervised_epoch(context(metrics, k, "train"), {division, other.kept.logits},
                              *learner.network, *other.network, learner.optimizer);
    if (parts_->pseudo_labels) move_prototypes(k, within_stage(metrics.epoch));
    return images;
  }

  /// Step 1: what the network says about every image of the epoch.
  void keep_outputs(const EpochMetrics& metrics, int index) {
    Learner& learner = learner_at(index);
    const auto report = [&](std::int64_t done, std::int64_t total) {
      observer_.on_progress(
          {metrics.epoch, recipe_.num_epochs, "partition", index + 1, done, total, done, {}});
      stop_if_wanted();
    };
    auto [logits, projection] = evaluate(*learner.network, train_views_, samples_.indices, report);
    learner.kept = {std::move(logits), {}, {}};
    if (!uses_prototypes(recipe())) return;
    if (within_stage(metrics.epoch) == recipe().warm_up) {
      initialize_prototypes(projection, samples_.noisy_labels, data_.dataset.class_names,
                            learner.network->prototypes());
    }
    learner.kept.prototype_logits =
        prototype_logits(projection, learner.network->prototypes(), recipe().proto_temperature);
    learner.kept.projection = std::move(projection);
  }

  /// Steps 1 to 3, from what the networks said.
  std::vector<Division> divide(EpochMetrics& metrics) {
    const Range range("divide");
    std::vector<const KeptOutputs*> kept;
    for (const auto& learner : learners_) kept.push_back(&learner->kept);
    const std::vector<Evidence> evidence =
        parts_->statistic->update(metrics.epoch, kept, samples_.noisy_labels);
    std::vector<Division> divisions = parts_->selection->divide(
        {metrics.epoch, within_stage(metrics.epoch), samples_.noisy_labels}, evidence);
    metrics.networks.clear();  // of divisions made anew, the last one is reported
    for (std::size_t i = 0; i < divisions.size(); ++i) {
      warn_if_small(metrics.epoch, std::ssize(metrics.networks), divisions[i]);
      metrics.networks.push_back(
          network_metrics(divisions[i], evidence[i], samples_, recipe().num_class));
    }
    metrics.samples = samples_.indices;
    metrics.wrong_labels =
        find_wrong_labels(metrics.networks, samples_.noisy_labels, samples_.true_labels);
    return divisions;
  }

  void warn_if_small(std::int64_t epoch, std::int64_t network, const Division& division) {
    const EpochPlan plan = plan_epoch(recipe(), division);
    const auto warn = [&](const char* name, std::int64_t size, std::int64_t batch) {
      if (size >= batch) return;
      observer_.on_warning(fmt::format(
          "epoch {}: the {} set of network {} has {} samples, fewer than a batch of {}; training "
          "goes on with {}",
          epoch, name, network + 1, size, batch,
          size == 0 ? "the other set alone" : "smaller batches"));
    };
    warn("labelled", std::ssize(division.partition.labelled), plan.batch_x);
    warn("unlabelled", std::ssize(division.partition.unlabelled), plan.batch_u);
  }

  /// Step 6, after network k has been trained.
  void move_prototypes(int k, std::int64_t epoch) {
    const KeptOutputs& source = learner_at(recipe().proto_source == "own" ? k : 1 - k).kept;
    const int target = recipe().proto_target == "own" ? k : 0;
    update_prototypes(source.projection, parts_->pseudo_labels->choose(source, epoch),
                      recipe().proto_momentum, learner_at(target).network->prototypes());
  }

  /// Step 7.
  void test(EpochMetrics& metrics) {
    observer_.on_progress({metrics.epoch, recipe_.num_epochs, "test", 0, 0, 1, 0, {}});
    const Stopwatch watch;
    metrics.test_acc =
        test_accuracy(networks_of(learners_), test_views_, data_.dataset.test.labels);
    metrics.seconds["test"] = watch.seconds();
    accuracies_.push_back(metrics.test_acc);
    metrics.best_acc = *std::max_element(accuracies_.begin(), accuracies_.end());
    const auto last = std::min<std::ptrdiff_t>(10, std::ssize(accuracies_));
    metrics.mean_last10 = std::accumulate(accuracies_.end() - last, accuracies_.end(), 0.0) /
                          static_cast<double>(last);
  }

  EpochContext context(const EpochMetrics& metrics, int network, const std::string& phase) {
    return {recipe(),
            samples_,
            train_views_,
            metrics.epoch,
            within_stage(metrics.epoch),
            network,
            network == position_.network ? position_.iteration : 0,
            [this, phase, network, epoch = metrics.epoch](
                std::int64_t iteration, std::int64_t iterations, std::int64_t images,
                const LossTerms& losses) {
              loss_means_.add(losses);
              position_ = {epoch, network, iteration};
              observer_.on_progress({epoch, recipe_.num_epochs, phase, network + 1, iteration,
                                     iterations, images, losses});
            },
            [this] { return observer_.wants_stop(); },
            [this](const std::string& sentence) { observer_.on_warning(sentence); }};
  }

  Learner& learner_at(int index) { return *learners_[static_cast<std::size_t>(index)]; }

  Recipe recipe_;
  const TrainingData& data_;
  TrainingObserver& observer_;
  ViewMaker train_views_;
  ViewMaker test_views_;
  std::vector<Stage> stages_;
  std::size_t stage_ = 0;
  std::vector<std::unique_ptr<Learner>> learners_;
  std::optional<Parts> parts_;
  std::optional<NamedTensors::Match> pretrained_;
  Position position_;
  EpochSamples samples_;  ///< of the epoch under way
  LossMeans loss_means_;
  std::vector<double> accuracies_;
};

Trainer::Trainer(Recipe recipe, const TrainingData& data, TrainingObserver& observer)
    : impl_(std::make_unique<Impl>(std::move(recipe), data, observer)) {}

Trainer::~Trainer() = default;

bool Trainer::run() {
  return impl_->run();
}

Checkpoint Trainer::checkpoint() const {
  return impl_->checkpoint();
}

void Trainer::restore(const Checkpoint& checkpoint, const std::string& origin) {
  impl_->restore(checkpoint, origin);
}

int Trainer::num_networks() const {
  return static_cast<int>(impl_->learners().size());
}

const std::optional<NamedTensors::Match>& Trainer::pretrained() const {
  return impl_->pretrained();
}

const Network& Trainer::network(int index) const {
  return *impl_->learners()[static_cast<std::size_t>(index)]->network;
}

Network& Trainer::network(int index) {
  return *impl_->learners()[static_cast<std::size_t>(index)]->network;
}

}  // namespace bptplr
