#include "bpt_plr/train/benchmark/benchmark.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <string_view>
#include <utility>

#include "bpt_plr/method/semi_supervised_step.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/benchmark/benchmark_data.hpp"
#include "bpt_plr/train/division.hpp"
#include "bpt_plr/train/epoch.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/learner.hpp"
#include "bpt_plr/train/sampler.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/precision.hpp"
#include "kernels/determinism.hpp"
#include "models/network_table.hpp"

namespace bptplr {
namespace {

/// Names of the ranges that are steps of an epoch; time outside all of them is "other".
constexpr std::array<std::string_view, 16> kPhases = {
    "inputs", "views",       "class sets", "targets", "mixup",    "forward",
    "losses", "contrastive", "backward",   "sgd",     "evaluate", "sample losses",
    "gmm",    "partition",   "prototypes", "test"};

/// Returns the outermost step that contains ranges[i].
std::string_view phase_of(const std::vector<TimedRange>& ranges, std::size_t i) {
  std::string_view phase = "other";
  for (auto r = static_cast<std::ptrdiff_t>(i); r >= 0;
       r = ranges[static_cast<std::size_t>(r)].parent) {
    const std::string_view name = ranges[static_cast<std::size_t>(r)].name;
    if (std::find(kPhases.begin(), kPhases.end(), name) != kPhases.end()) phase = name;
  }
  return phase;
}

void add_to(TimeShare& share, const TimedRange& range, double times, const Peaks& peaks) {
  ++share.calls;
  share.seconds += times * range.own_seconds;
  share.work += {times * range.work.operations, times * range.work.bytes};
  share.floor_seconds += times * peaks.floor_seconds(range.work);
}

bool is_gpu(const Recipe& recipe) {
  return recipe.device == DeviceChoice::kCuda;
}

void require_room(const BenchmarkOptions& options) {
  const std::size_t available = memory_use(choose_device(options.recipe.device)).available;
  const auto bytes = static_cast<std::size_t>(outputs_bytes(options));
  constexpr double kGib = 1U << 30U;
  if (available == 0 || bytes <= available) return;
  throw OutOfMemory(
      "the outputs of the networks for {} images take {:.1f} GiB, but {:.1f} GiB are free; use a "
      "smaller --images or --num_class",
      options.images, static_cast<double>(bytes) / kGib, static_cast<double>(available) / kGib);
}

/// Returns a data set of random images that suits the recipe's views.
Dataset random_dataset(const BenchmarkOptions& options) {
  Dataset data;
  data.name = "noise";
  data.train.labels.assign(static_cast<std::size_t>(options.pool), 0);
  if (const std::int64_t dim = options.recipe.feature_dim; dim > 0) {
    data.mean.assign(static_cast<std::size_t>(dim), 0.5F);
    data.std.assign(static_cast<std::size_t>(dim), 0.25F);
    data.train.vectors = random_vectors(options.pool, dim);
    return data;
  }
  data.mean = {0.5F, 0.5F, 0.5F};
  data.std = {0.25F, 0.25F, 0.25F};
  data.train.images = random_images(options.pool, static_cast<int>(options.recipe.image_size));
  return data;
}

class Benchmark {
 public:
  Benchmark(const BenchmarkOptions& options, const Peaks& peaks)
      : recipe_(options.recipe),
        device_(choose_device(recipe_.device)),
        data_(random_dataset(options)),
        views_(make_view_maker(recipe_, data_, data_.train)),
        samples_(random_samples(options.images, options.pool, recipe_.num_class)),
        k_(recipe_, 0),
        j_(recipe_, 1),
        parts_(recipe_) {
    result_.options = options;
    result_.peaks = peaks;
    result_.iterations_per_epoch = 2 * (options.images / recipe_.batch_size + 1);
    for (const auto& [learner, network] : {std::pair{&k_, 0U}, std::pair{&j_, 1U}}) {
      learner->kept =
          random_outputs(samples_, recipe_.num_class, recipe_.low_dim, network, device_);
    }
  }

  BenchmarkResult run() {
    const double images = static_cast<double>(result_.options.images);
    const double pool = static_cast<double>(result_.options.pool);
    measure_warm("partition", 1.0, [&] { divide(); });
    measure_warm("evaluation", 2.0 * images / pool, [&] { evaluate(*k_.network, *views_); });
    measure_warm("test", images / 5.0 / pool, [&] {
      test_accuracy({k_.network.get(), j_.network.get()}, *views_, data_.train.labels);
    });
    measure_iterations();
    result_.peak_bytes = memory_use(device_).peak;
    if (is_gpu(recipe_) && !k_.network->has_dropout()) measure_graph();
    return std::move(result_);
  }

 private:
  /// Times the second call of `work`, as the first one initialises libraries and memory.
  template <class Fn>
  void measure_warm(const char* name, double per_epoch, Fn&& work) {
    work();
    measure(name, per_epoch, work);
  }

  template <class Fn>
  void measure(const char* name, double per_epoch, Fn&& work) {
    RangeTimer timer(device_);
    work();
    const std::vector<TimedRange> ranges = timer.take();
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const std::string phase(phase_of(ranges, i));
      for (TimeShare* share :
           {&result_.phases[phase], &result_.families[ranges[i].name], &result_.epoch}) {
        add_to(*share, ranges[i], per_epoch, result_.peaks);
      }
    }
    result_.steps.push_back({name, per_epoch, by_path(ranges)});
    const auto iterations = static_cast<double>(result_.options.iterations);
    if (result_.steps.back().name != "iteration") return;
    for (const TimedRange& range : ranges) {
      add_to(result_.iteration, range, 1.0 / iterations, result_.peaks);
    }
  }

  /// Runs the work between the evaluation of the networks and their training, and after training.
  void divide() {
    const EpochNumber epoch{recipe_.warm_up, recipe_.warm_up};
    for (Learner* learner : {&k_, &j_}) {
      learner->kept = keep_outputs(recipe_, *learner->network,
                                   {learner->kept.logits, learner->kept.projection});
    }
    divisions_ =
        bptplr::divide(parts_, std::vector<const KeptOutputs*>{&k_.kept, &j_.kept}, samples_, epoch)
            .divisions;
    for (Learner* learner : {&k_, &j_}) {
      move_prototypes(parts_, recipe_, learner->kept, epoch.of_stage,
                      learner->network->prototypes());
    }
  }

  /// Iterations of network k on the division of network j, trained with `recipe`.
  class Iterations {
   public:
    Iterations(Benchmark& benchmark, Recipe recipe)
        : recipe_(std::move(recipe)),
          epoch_{recipe_,         benchmark.samples_, *benchmark.views_,
                 recipe_.warm_up, recipe_.warm_up,    0},
          sampler_(epoch_, benchmark.divisions_[1]),
          step_(recipe_, recipe_.warm_up, *benchmark.k_.network, *benchmark.j_.network,
                benchmark.k_.optimizer),
          graphed_(
              [this, &benchmark](const Batch& batch) {
                return step_(batch, *benchmark.views_, benchmark.j_.kept.logits);
              },
              graph_options(epoch_, *benchmark.k_.network,
                            [this](const std::string&) { has_warned_ = true; })) {}

    /// Returns the seconds of `count` iterations, all queued before waiting for the last one.
    double run(std::int64_t count) {
      const auto start = std::chrono::steady_clock::now();
      std::vector<PendingCopy> losses;
      for (std::int64_t i = 0; i < count; ++i) {
        losses.emplace_back(graphed_(sampler_.next()).values);
      }
      if (!losses.empty()) losses.back().get();
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }

    bool has_warned() const { return has_warned_; }

   private:
    Recipe recipe_;
    NetworkEpoch epoch_;
    SemiSupervisedSampler sampler_;
    SemiSupervisedStep step_;
    GraphedStep graphed_;
    bool has_warned_ = false;
  };

  void require_batches() const {
    const Partition& partition = divisions_[1].partition;
    const auto smaller = std::min(partition.labelled.size(), partition.unlabelled.size());
    require(
        static_cast<std::int64_t>(smaller) >= recipe_.batch_size,
        "of {} images of {} classes the partition leaves a set of {}, too few for batches of {}; "
        "use a larger --images or a smaller --batch_size",
        samples_.size(), recipe_.num_class, smaller, recipe_.batch_size);
  }

  void measure_iterations() {
    require_batches();
    Recipe eager = recipe_;
    eager.cuda_graph = false;
    Iterations iterations(*this, eager);
    const std::int64_t count = result_.options.iterations;
    const auto per_iteration = 1.0 / static_cast<double>(count);
    iterations.run(result_.options.warmup);
    double seconds = 0.0;
    measure("iteration", static_cast<double>(result_.iterations_per_epoch) * per_iteration,
            [&] { seconds = iterations.run(count); });
    // Measured again without the timer, whose events take time on a GPU.
    if (is_gpu(recipe_)) seconds = iterations.run(count);
    result_.iteration_seconds = seconds * per_iteration;
  }

  void measure_graph() {
    Recipe graph = recipe_;
    graph.cuda_graph = true;
    Iterations iterations(*this, graph);
    const std::int64_t count = result_.options.iterations;
    iterations.run(
        std::max<std::int64_t>(result_.options.warmup, 2));  // the second one is recorded
    const double seconds = iterations.run(count);
    if (iterations.has_warned()) return;
    result_.graph_seconds = seconds / static_cast<double>(count);
  }

  Recipe recipe_;
  Device device_;
  Dataset data_;
  std::unique_ptr<ViewMaker> views_;
  EpochSamples samples_;
  Learner k_;
  Learner j_;
  Parts parts_;
  std::vector<Division> divisions_;
  BenchmarkResult result_;
};

template <class T>
void choose(T& value, T choice) {
  if (value == T{}) value = choice;
}

void check_range(const char* option, std::int64_t value, std::int64_t low, std::int64_t high) {
  require(value >= low && value <= high, "--{} is {}, but must lie in [{}, {}]", option, value, low,
          high);
}

}  // namespace

void BenchmarkOptions::resolve() {
  check_range("images", images, 100, 10'000'000);
  check_range("iterations", iterations, 0, 10'000);
  check_range("warmup", warmup, 0, 10'000);
  check_range("num_class", recipe.num_class, 0, 1024);
  // Images of any size, or vectors of any length, of any number of classes.
  const bool takes_vectors = network_kind(recipe.arch).takes_vectors;
  recipe.dataset = takes_vectors ? DatasetKind::kFeatures : DatasetKind::kFolder;
  if (takes_vectors) choose<std::int64_t>(recipe.feature_dim, 512);
  recipe.data_path = "noise";
  choose<std::int64_t>(recipe.num_class, 10);
  choose<std::int64_t>(recipe.image_size, 32);
  bptplr::resolve(recipe);
  const bool gpu = is_gpu(recipe);
  choose<std::int64_t>(iterations, gpu ? 20 : 3);
  choose<std::int64_t>(warmup, gpu ? 5 : 1);
  choose<std::int64_t>(pool, gpu ? 2000 : 100);
  pool = std::min(pool, images);
}

std::int64_t outputs_bytes(const BenchmarkOptions& options) {
  const std::int64_t values = 2 * options.recipe.num_class + options.recipe.low_dim;
  return 2 * options.images * values * static_cast<std::int64_t>(sizeof(float));
}

BenchmarkResult run_benchmark(const BenchmarkOptions& options, const Peaks& peaks) {
  const Device device = choose_device(options.recipe.device);
  kernels::set_deterministic(options.recipe.deterministic);
  release_freed_memory();
  reset_peak_memory(device);
  require_room(options);
  const CpuPrecisionScope precision(options.recipe.precision);
  return Benchmark(options, peaks).run();
}

}  // namespace bptplr
