#include "bpt_plr/train/benchmark/benchmark.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/benchmark/benchmark_setup.hpp"
#include "bpt_plr/train/evaluation.hpp"
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

class Benchmark {
 public:
  Benchmark(const BenchmarkOptions& options, const Peaks& peaks) : setup_(options) {
    result_.options = options;
    result_.peaks = peaks;
    result_.iterations_per_epoch = 2 * (options.images / setup_.recipe.batch_size + 1);
  }

  BenchmarkResult run() {
    const double images = static_cast<double>(result_.options.images);
    const double pool = static_cast<double>(result_.options.pool);
    measure_warm("partition", 1.0, [&] { setup_.divide(); });
    measure_warm("evaluation", 2.0 * images / pool,
                 [&] { evaluate(*setup_.k.network, *setup_.views); });
    measure_warm("test", images / 5.0 / pool, [&] {
      test_accuracy({setup_.k.network.get(), setup_.j.network.get()}, *setup_.views,
                    setup_.data.train.labels);
    });
    measure_iterations();
    result_.peak_bytes = memory_use(setup_.device).peak;
    if (is_gpu(setup_.recipe) && !setup_.k.network->has_dropout()) measure_graph();
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
    RangeTimer timer(setup_.device);
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

  void measure_iterations() {
    BenchmarkIterations iterations(setup_, false);
    const std::int64_t count = result_.options.iterations;
    const auto per_iteration = 1.0 / static_cast<double>(count);
    iterations.run(result_.options.warmup);
    double seconds = 0.0;
    measure("iteration", static_cast<double>(result_.iterations_per_epoch) * per_iteration,
            [&] { seconds = iterations.run(count); });
    // Measured again without the timer, whose events take time on a GPU.
    if (is_gpu(setup_.recipe)) seconds = iterations.run(count);
    result_.iteration_seconds = seconds * per_iteration;
  }

  void measure_graph() {
    BenchmarkIterations iterations(setup_, true);
    const std::int64_t count = result_.options.iterations;
    iterations.run(
        std::max<std::int64_t>(result_.options.warmup, 2));  // the second one is recorded
    const double seconds = iterations.run(count);
    if (iterations.has_warned()) return;
    result_.graph_seconds = seconds / static_cast<double>(count);
  }

  BenchmarkSetup setup_;
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
