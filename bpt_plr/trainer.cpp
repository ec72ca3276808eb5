#include "bpt_plr/trainer.hpp"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "bpt_plr/epoch.hpp"
#include "bpt_plr/epoch_samples.hpp"
#include "bpt_plr/learner.hpp"
#include "bpt_plr/prototypes.hpp"
#include "bpt_plr/sample_losses.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/range.hpp"

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

/// What a network made of the epoch's samples.
struct Division {
  GmmFit gmm;
  Partition partition;
};

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
        test_views_(make_view_maker(recipe_, data.dataset, data.dataset.test.images)) {
    require(data.dataset.num_classes() == recipe_.num_class,
            "--num_class {} does not fit the data set {}, which has {} classes", recipe_.num_class,
            data.dataset.name, data.dataset.num_classes());
    const int networks = recipe_.method == "ce" ? 1 : 2;
    for (int i = 0; i < networks; ++i) learners_.push_back(std::make_unique<Learner>(recipe_, i));
    if (!recipe_.pretrained.empty()) {
      pretrained_ = load_pretrained(recipe_.pretrained, networks_of(learners_));
    }
    if (recipe_.threads > 0) omp_set_num_threads(static_cast<int>(recipe_.threads));
  }

  bool run() {
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
    loss_means_ = position_.within_epoch() ? LossMeans(checkpoint.loss_sums) : LossMeans();
    for (int i = 0; i < std::ssize(learners_); ++i) {
      learner_at(i).load(i + 1, checkpoint.tensors);
    }
  }

  const std::vector<std::unique_ptr<Learner>>& learners() const { return learners_; }
  const std::optional<NamedTensors::Match>& pretrained() const { return pretrained_; }

 private:
  bool is_divided(std::int64_t epoch) const {
    return recipe_.method != "ce" && epoch >= recipe_.warm_up;
  }

  /// Whether the epoch under way depends on what the networks said about its samples.
  bool holds_outputs() const { return position_.within_epoch() && is_divided(position_.epoch); }

  void stop_if_wanted() {
    if (observer_.wants_stop()) throw Stopped{};
  }

  /// The epoch at position_, from there on.
  void run_epoch() {
    EpochMetrics metrics;
    metrics.epoch = position_.epoch;
    metrics.lr = learning_rate(recipe_, metrics.epoch);
    if (!position_.within_epoch()) loss_means_ = {};
    samples_ = draw_epoch_samples(recipe_, data_, metrics.epoch);
    if (is_divided(metrics.epoch)) {
      metrics.phase = recipe_.method;
      divided_epoch(metrics);
    } else {
      metrics.phase = recipe_.method == "ce" ? "ce" : "warm_up";
      plain_epoch(metrics);
    }
    metrics.losses = loss_means_.means();
    test(metrics);
    metrics.peak_memory_gib =
        static_cast<double>(memory_use(train_views_.device()).peak) / (1U << 30U);
    position_ = {metrics.epoch + 1, 0, 0};
    observer_.on_epoch(metrics);
  }

  /// Warm-up, or the baseline.
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

  /// Steps 1 to 6.
  void divided_epoch(EpochMetrics& metrics) {
    const Stopwatch partition_watch;
    for (int i = 0; i < 2 && !position_.within_epoch(); ++i) keep_outputs(metrics, i);
    const std::vector<Division> divisions = divide(metrics);
    metrics.seconds["partition"] = partition_watch.seconds();

    const Stopwatch train_watch;
    std::int64_t images = 0;
    for (int k = position_.network; k < 2; ++k) {
      const int j = 1 - k;
      const Division& theirs = divisions[static_cast<std::size_t>(j)];
      Learner& learner = learner_at(k);
      images += semi_supervised_epoch(
          context(metrics, k, "train"),
          {theirs.partition, theirs.gmm.clean_probability, learner_at(j).kept.logits},
          *learner.network, *learner_at(j).network, learner.optimizer);
      move_prototypes(k);
    }
    metrics.seconds["train"] = train_watch.seconds();
    metrics.images_per_s = static_cast<double>(images) / train_watch.seconds();
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
    if (metrics.epoch == recipe_.warm_up) {
      initialize_prototypes(projection, samples_.noisy_labels, data_.dataset.class_names,
                            learner.network->prototypes());
    }
    learner.kept.prototype_logits =
        prototype_logits(projection, learner.network->prototypes(), recipe_.proto_temperature);
    learner.kept.logits = std::move(logits);
    learner.kept.projection = std::move(projection);
  }

  /// Steps 2 and 3.
  std::vector<Division> divide(EpochMetrics& metrics) {
    const Range range("divide");
    std::vector<NormalizedLosses> losses;
    for (auto& learner : learners_) {
      losses.push_back(learner->losses.update(metrics.epoch, learner->kept, samples_.noisy_labels));
    }
    std::vector<SampleLosses> views;
    for (const NormalizedLosses& l : losses) views.push_back({l.classifier, l.prototype});
    const GmmOptions options{recipe_.gmm_max_iter, recipe_.gmm_tol, recipe_.gmm_reg_covar};
    std::vector<GmmFit> fits = fit_gmm(views, options, static_cast<std::uint64_t>(recipe_.seed),
                                       static_cast<std::uint32_t>(metrics.epoch));
    std::vector<Division> divisions;
    for (GmmFit& fit : fits) {
      Partition partition = balanced_partition(fit.clean_on_device, samples_.noisy_labels,
                                               recipe_.num_class, recipe_.p_threshold);
      warn_if_small(metrics.epoch, std::ssize(divisions), partition);
      metrics.networks.push_back({selection_metrics(partition, fit.clean_probability,
                                                    samples_.noisy_labels, samples_.true_labels),
                                  fit, losses[divisions.size()], labelled_per_class(partition),
                                  loss_auc(losses[divisions.size()].classifier),
                                  loss_auc(losses[divisions.size()].prototype)});
      divisions.push_back({std::move(fit), std::move(partition)});
    }
    metrics.samples = samples_.indices;
    metrics.wrong_labels =
        find_wrong_labels(metrics.networks, samples_.noisy_labels, samples_.true_labels);
    return divisions;
  }

  std::vector<std::int64_t> labelled_per_class(const Partition& partition) const {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(recipe_.num_class));
    for (const std::int64_t i : partition.labelled) {
      ++counts[static_cast<std::size_t>(samples_.noisy_labels[static_cast<std::size_t>(i)])];
    }
    return counts;
  }

  /// How well a small loss tells a correct label.
  double loss_auc(const Tensor& losses) const {
    const Tensor values = losses.to(Device{});
    std::vector<double> score;
    score.reserve(static_cast<std::size_t>(values.numel()));
    for (const float loss : values.span<float>()) score.push_back(-static_cast<double>(loss));
    return correctness_auc(score, samples_.noisy_labels, samples_.true_labels);
  }

  void warn_if_small(std::int64_t epoch, std::int64_t network, const Partition& partition) {
    const auto warn = [&](const char* name, std::int64_t size) {
      if (size >= recipe_.batch_size) return;
      observer_.on_warning(fmt::format(
          "epoch {}: the {} set of network {} has {} samples, fewer than a batch of {}; training "
          "goes on with {}",
          epoch, name, network + 1, size, recipe_.batch_size,
          size == 0 ? "the other set alone" : "smaller batches"));
    };
    warn("labelled", std::ssize(partition.labelled));
    warn("unlabelled", std::ssize(partition.unlabelled));
  }

  /// Step 6, after network k has trained on the partition of network 1 - k.
  void move_prototypes(int k) {
    const int source = recipe_.proto_source == "own" ? k : 1 - k;
    const int target = recipe_.proto_target == "own" ? k : 0;
    update_prototypes(learner_at(source).kept, recipe_.proto_momentum, recipe_.proto_threshold,
                      learner_at(target).network->prototypes());
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
    return {recipe_,
            samples_,
            train_views_,
            metrics.epoch,
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
  std::vector<std::unique_ptr<Learner>> learners_;
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
