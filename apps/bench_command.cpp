// `bptplr bench`: measures where the time of a training epoch goes on this machine.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/build_info.hpp"
#include "apps/choice_flag.hpp"
#include "apps/commands.hpp"
#include "apps/recipe_flags.hpp"
#include "apps/terminal/bench_output.hpp"
#include "apps/terminal/terminal.hpp"
#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/run/training_run.hpp"
#include "bpt_plr/train/benchmark/benchmark.hpp"
#include "bpt_plr/train/benchmark/rank_benchmark.hpp"
#include "engine/communicator/launch.hpp"
#include "engine/communicator/placement.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"
#include "engine/memory.hpp"
#include "engine/threads.hpp"

namespace bptplr {
namespace {

constexpr std::array<std::string_view, 9> kBenchFields = {
    "arch",      "width",   "blocks",        "batch_size",     "device",
    "precision", "threads", "deterministic", "sync_batch_norm"};

/// Default model size of --scaling on a CPU, which is slower than a GPU.
constexpr std::int64_t kScalingWidthOnCpu = 16;
constexpr const char* kScalingBlocksOnCpu = "1,1,1,1";
constexpr std::int64_t kScalingImagesOnCpu = 10'000;

struct BenchCommandOptions {
  RecipeFlags flags;
  std::int64_t num_class = 0;
  std::int64_t image_size = 0;
  std::int64_t images = 0;
  std::int64_t iterations = 0;
  std::int64_t warmup = 0;
  std::string scaling;
  bool ranks = false;
  bool json = false;
};

/// Size that --scaling varies.
struct Scaling {
  const char* word;
  const char* option;
  std::vector<std::int64_t> values;
  std::int64_t& (*size)(BenchmarkOptions& options);
  bool moves_activations;  ///< whether memory for activations grows with it
};

const std::vector<Scaling>& scalings() {
  using Options = BenchmarkOptions;
  static const std::vector<Scaling> all = {
      {"batch",
       "batch_size",
       {64, 128, 256, 512, 1024},
       [](Options& o) -> std::int64_t& { return o.recipe.batch_size; },
       true},
      {"width",
       "width",
       {16, 32, 64},
       [](Options& o) -> std::int64_t& { return o.recipe.width; },
       true},
      {"classes",
       "num_class",
       {10, 100, 1000},
       [](Options& o) -> std::int64_t& { return o.recipe.num_class; },
       false},
      {"images",
       "images",
       {10'000, 100'000, 1'000'000},
       [](Options& o) -> std::int64_t& { return o.images; },
       false}};
  return all;
}

BenchmarkOptions benchmark_options(const BenchCommandOptions& given) {
  BenchmarkOptions options;
  LeftOut none;  // there is no --recipe
  options.recipe = given.flags.recipe(none);
  options.recipe.num_class = given.num_class;
  options.recipe.image_size = given.image_size;
  options.iterations = given.iterations;
  options.warmup = given.warmup;
  if (given.images != 0) options.images = given.images;
  const bool scaling_on_cpu =
      !given.scaling.empty() && choose_device(options.recipe.device).type == DeviceType::kCpu;
  if (scaling_on_cpu) {
    if (!given.flags.names("width")) options.recipe.width = kScalingWidthOnCpu;
    if (!given.flags.names("blocks") && !usual_blocks(options.recipe.arch).empty()) {
      options.recipe.blocks = kScalingBlocksOnCpu;
    }
    if (given.images == 0) options.images = kScalingImagesOnCpu;
    if (given.iterations == 0) options.iterations = 1;
  }
  return options;
}

BenchmarkOptions resolved(BenchmarkOptions options) {
  options.resolve();
  options.recipe.threads = use_threads(options.recipe.threads);
  return options;
}

Peaks peaks_for(const Recipe& recipe) {
  return measure_peaks(choose_device(recipe.device),
                       dtype_of(recipe.precision, choose_device(recipe.device)));
}

int bench_once(const BenchmarkOptions& given, bool json) {
  const BenchmarkOptions options = resolved(given);
  const BenchmarkResult result = run_benchmark(options, peaks_for(options.recipe));
  if (json) {
    fmt::print("{}\n", to_text(to_json(result)));
  } else {
    print_tables(result);
  }
  return 0;
}

/// Throws Error if the next size would need more memory than available, estimated from the last
/// size that fit: on a CPU the system may kill a process that takes too much.
void require_room(const Scaling& scaling, std::int64_t last, const BenchmarkResult& result,
                  std::int64_t value) {
  if (!scaling.moves_activations) return;
  const MemoryUse use = memory_use(choose_device(result.options.recipe.device));
  const double bytes = static_cast<double>(result.peak_bytes) * static_cast<double>(value) /
                       static_cast<double>(last);
  const auto available = static_cast<double>(use.available + use.now);
  constexpr double kGib = 1U << 30U;
  if (use.available == 0 || bytes <= available) return;
  throw OutOfMemory("about {:.1f} GiB would be needed and {:.1f} GiB can be had", bytes / kGib,
                    available / kGib);
}

void report_left_out(const Scaling& scaling, std::int64_t value, const std::string& why,
                     bool json) {
  if (json) {
    const nlohmann::ordered_json line{
        {"scaling", scaling.word}, {"value", value}, {"left_out", why}};
    fmt::print("{}\n", to_text(line));
  } else {
    fmt::print("{:<11} left out: {}\n", value, why);
  }
}

int bench_scaling(const BenchmarkOptions& base, const Scaling& scaling, bool json) {
  BenchmarkOptions first = base;
  scaling.size(first) = scaling.values.front();
  const Peaks peaks = peaks_for(resolved(first).recipe);
  if (!json) print_scaling_header(scaling.option);
  std::optional<BenchmarkResult> last;
  std::int64_t last_value = 0;
  for (const std::int64_t value : scaling.values) {
    BenchmarkOptions options = base;
    scaling.size(options) = value;
    options = resolved(options);
    try {
      if (last) require_room(scaling, last_value, *last, value);
      last = run_benchmark(options, peaks);
      last_value = value;
      if (json) {
        nlohmann::ordered_json line{{"scaling", scaling.word}, {"value", value}};
        line.update(to_json(*last));
        fmt::print("{}\n", to_text(line));
      } else {
        print_scaling_line(value, *last);
      }
    } catch (const OutOfMemory& error) {
      report_left_out(scaling, value, error.what(), json);
    } catch (const std::bad_alloc&) {
      report_left_out(scaling, value, kOutOfMemory, json);
    }
    std::fflush(stdout);
  }
  return 0;
}

/// Measures iterations that the ranks share out; one process is a rank too.
int bench_ranks(BenchmarkOptions options, bool json) {
  Communicator& group = join_group(program_version());
  if (!group.is_first()) print_nothing_but_errors();
  take_gpu(group);
  options.resolve();
  options.recipe.threads = use_threads(group, options.recipe.threads);
  const RankBenchmarkResult result = run_rank_benchmark(options, group);
  const std::string unused = unused_processors(group);
  if (!group.is_first()) return 0;
  if (!unused.empty()) print_warning(unused);
  if (json) {
    fmt::print("{}\n", to_text(to_json(result)));
  } else {
    print_ranks(result);
  }
  return 0;
}

/// Throws Error where several processes were started to measure the same, and each other.
void require_alone() {
  const Launch launch = read_launch();
  require(launch.size == 1,
          "{} started {} processes, which would disturb each other; start bptplr bench alone, or "
          "let them share out the iterations with --ranks",
          launch.launcher, launch.size);
}

int bench(const BenchCommandOptions& given) {
  if (!given.ranks) require_alone();
  const BenchmarkOptions options = benchmark_options(given);
  if (given.ranks) return bench_ranks(options, given.json);
  for (const Scaling& scaling : scalings()) {
    if (given.scaling == scaling.word) return bench_scaling(options, scaling, given.json);
  }
  return bench_once(options, given.json);
}

}  // namespace

void add_bench_command(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("bench", "Show where the time of a training epoch goes on this machine.");
  const auto options = std::make_shared<BenchCommandOptions>();
  options->flags.add_to(*command, kBenchFields);
  const auto add_size = [&](const char* flag, std::int64_t& value, const char* help) {
    command->add_option(flag, value, help)->type_name("INT")->group("Benchmark")->take_last();
  };
  add_size("--num_class", options->num_class, "number of classes; 0: 10");
  add_size("--image_size", options->image_size, "pixels of a side of the images; 0: 32");
  add_size("--images", options->images,
           "training images of an epoch, made up; 0: 50,000, with --scaling on a CPU 10,000");
  add_size("--iterations", options->iterations,
           "training iterations that are timed; 0: 3 on a CPU (1 with --scaling), 20 on a GPU");
  add_size("--warmup", options->warmup, "iterations before these; 0: 1 on a CPU, 5 on a GPU");
  std::vector<std::string> words;
  for (const Scaling& scaling : scalings()) words.emplace_back(scaling.word);
  command
      ->add_option("--scaling", options->scaling,
                   "a line each for batch 64 to 1024, width 16 to 64, classes 10 to 1000 or images "
                   "10,000 to 1,000,000; on a CPU with width 16 and blocks 1,1,1,1 unless given")
      ->type_name(fmt::format("{}", fmt::join(words, "|")))
      ->check(one_of(words))
      ->group("Benchmark");
  command
      ->add_flag("--ranks", options->ranks,
                 "measure iterations that the processes of mpirun or srun share out: computing, "
                 "communicating, waiting, and the bytes they exchange")
      ->excludes("--scaling")
      ->group("Benchmark");
  command->add_flag("--json", options->json, "print JSON, one line a result")->group("Benchmark");
  command->footer(
      "docs/profiling.md says what the columns mean, docs/cluster.md what --ranks prints.");
  command->callback([&action, options] { action = [options] { return bench(*options); }; });
}

}  // namespace bptplr
