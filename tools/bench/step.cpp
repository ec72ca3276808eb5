// Times full BPT-PLR training iterations (step 5: co-guess, co-refine, MixUp, all losses, one SGD
// step) on random images. Views are prepared, or with --augment made for every iteration, as in
// training. On a GPU an iteration is recorded and replayed unless --eager is given, and the host
// waits once in kWindow iterations. Prints one line of JSON, as step_pytorch.py does.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/choice_flag.hpp"
#include "bpt_plr/method/semi_supervised_step.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/epoch.hpp"
#include "bpt_plr/train/sampler.hpp"
#include "data/image_views.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"
#include "engine/random.hpp"
#include "kernels/device_graph.hpp"
#include "kernels/device_memory.hpp"
#include "models/network_table.hpp"

namespace bptplr {
namespace {

/// Pixels of a side of the images that views are made of.
constexpr std::int64_t kSide = 32;
/// Number of iterations that a GPU runs between two waits of the host.
constexpr int kWindow = 5;

struct Options {
  Arch arch = Arch::kPreActResNet;
  std::int64_t width = 64;
  std::int64_t image_size = kSide;
  std::int64_t batch_size = 64;
  std::int64_t classes = 10;
  std::int64_t samples = 50000;
  bool augment = false;
  bool eager = false;
  int repeat = 3;
  int warmup = 1;
  int threads = 2;
  DeviceChoice device = DeviceChoice::kCpu;
  Precision precision = Precision::kFloat32;

  /// Returns whether iterations are recorded and replayed.
  bool records() const { return !eager && choose_device(device).type == DeviceType::kCuda; }
};

Tensor random_normal(Shape shape, std::uint32_t stream) {
  Philox random(1, Purpose::kTest, 0, stream);
  Tensor t = Tensor::empty(std::move(shape));
  std::generate_n(t.data<float>(), t.numel(), [&] { return static_cast<float>(random.normal()); });
  return t;
}

/// Two networks and the optimiser of the first.
struct Learners {
  std::unique_ptr<Network> k, j;
  Sgd optimizer;

  explicit Learners(const Options& options)
      : k(make(options, 0)), j(make(options, 1)), optimizer(k->named().parameters(), 0.9, 5e-4) {}

  static std::unique_ptr<Network> make(const Options& options, std::uint32_t number) {
    NetworkConfig config;
    config.arch = options.arch;
    config.width = options.width;
    config.heads.num_classes = options.classes;
    config.pool_side = 1;  // the published 7 makes a projection head of 630 million weights
    config.blocks = network_kind(options.arch).usual_blocks.value_or(config.blocks);
    std::unique_ptr<Network> network = make_network(config, 1, number);
    network->named().move_to(choose_device(options.device));
    return network;
  }
};

/// Batch with prepared views.
struct ReadyBatch {
  Batch batch;
  StepViews views;

  explicit ReadyBatch(const Options& options) {
    const std::int64_t b = options.batch_size;
    const Device device = choose_device(options.device);
    const auto images = [&](std::int64_t count, std::uint32_t stream) {
      const Tensor normal =
          random_normal({count, options.image_size, options.image_size, 3}, stream).to(device);
      const DType dtype = dtype_of(options.precision, choose_device(options.device));
      return dtype == DType::kFloat32 ? normal : normal.to(dtype);
    };
    views.weak = images(4 * b, 1);
    views.combined = images(8 * b, 3);
    views.strong = views.combined.rows(4 * b, 8 * b);
    Philox random(1, Purpose::kTest, 1);
    const auto classes = static_cast<std::uint32_t>(options.classes);
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < 2 * b; ++i) labels.push_back(random.below(classes));
    std::vector<float> w;
    for (std::int64_t i = 0; i < b; ++i) w.push_back(random.uniform());
    const Tensor all_labels = Tensor::from(labels, {2 * b}).to(device);
    batch.labels = all_labels.rows(0, b);
    batch.clean_probability = Tensor::from(w, {b}).to(device);
    views.class_sets =
        make_class_sets(random_normal({2 * b, options.classes}, 4).to(device), all_labels, 3);
    batch.permutation = Tensor::from(random.permutation(4 * b), {4 * b}).to(device);
    batch.scalars = make_scalars(0.02, 0.7, 25.0, 1.0).to(device);
    batch.samples = 2 * b;
  }
};

/// Runs iterations on prepared views.
class ReadyIterations {
 public:
  explicit ReadyIterations(const Options& options)
      : learners_(options), ready_(options), records_(options.records()) {}

  void queue() {
    if (graph_ != nullptr) return graph_->replay();
    losses_ = step_.train(ready_.batch, ready_.views);
    if (!records_) return;
    graph_ = kernels::make_graph(cuda_context(losses_.values.device()));
    graph_->record([&] { losses_ = step_.train(ready_.batch, ready_.views); });
  }
  void wait() { loss_terms(losses_); }

 private:
  Learners learners_;
  SemiSupervisedStep step_{Recipe{}, 0, *learners_.k, *learners_.j, learners_.optimizer};
  ReadyBatch ready_;
  bool records_;
  std::unique_ptr<kernels::DeviceGraph> graph_;
  Losses losses_;  ///< in the graph's memory: declared after it, to be freed first
};

/// Runs the iterations of an epoch as in training, on random images, half of them labelled.
class EpochIterations {
 public:
  explicit EpochIterations(const Options& options)
      : learners_(options),
        recipe_(recipe_of(options)),
        images_(random_images(options.samples)),
        views_(images_, kMean, kStd, {}, choose_device(options.device),
               dtype_of(options.precision, choose_device(options.device))),
        logits_(
            random_normal({options.samples, options.classes}, 4).to(choose_device(options.device))),
        samples_(random_samples(options)),
        division_(halves(options.samples)) {}

  void queue() { losses_.emplace(graphed_(sampler_.next()).values); }
  void wait() { losses_->get(); }

 private:
  static constexpr std::array<float, 3> kMean{.4914F, .4822F, .4465F};
  static constexpr std::array<float, 3> kStd{.2023F, .1994F, .2010F};

  static Recipe recipe_of(const Options& options) {
    Recipe recipe;
    recipe.dataset = DatasetKind::kShapes;  // needs no files
    recipe.num_class = 10;
    recipe.batch_size = options.batch_size;
    recipe.cuda_graph = options.records();
    resolve(recipe);
    return recipe;
  }
  static EpochSamples random_samples(const Options& options) {
    EpochSamples samples;
    Philox random(1, Purpose::kTest, 1);
    for (std::int64_t i = 0; i < options.samples; ++i) {
      samples.indices.push_back(i);
      samples.noisy_labels.push_back(random.below(static_cast<std::uint32_t>(options.classes)));
    }
    return samples;
  }
  static Division halves(std::int64_t samples) {
    Division division;
    for (std::int64_t i = 0; i < samples; ++i) {
      auto& set = i % 2 == 0 ? division.partition.labelled : division.partition.unlabelled;
      set.push_back(i);
    }
    division.weight.assign(static_cast<std::size_t>(samples), 0.7);
    return division;
  }
  static Images random_images(std::int64_t count) {
    Philox random(1, Purpose::kTest, 2);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(count * kSide * kSide * 3));
    std::ranges::generate(pixels, [&] { return static_cast<std::uint8_t>(random.below(256)); });
    return Images::in_memory(kSide, kSide, std::move(pixels));
  }

  Learners learners_;
  Recipe recipe_;
  Images images_;
  ImageViews views_;
  Tensor logits_;
  EpochSamples samples_;
  Division division_;
  NetworkEpoch epoch_{recipe_, samples_, views_, 0, 0, 0};
  SemiSupervisedSampler sampler_{epoch_, division_};
  SemiSupervisedStep step_{recipe_, 0, *learners_.k, *learners_.j, learners_.optimizer};
  GraphedStep graphed_{[this](const Batch& batch) { return step_(batch, views_, logits_); },
                       graph_options(epoch_, *learners_.k, [](const std::string& sentence) {
                         fmt::print(stderr, "step: warning: {}\n", sentence);
                       })};
  std::optional<PendingCopy> losses_;
};

/// Returns the seconds of an iteration, as means of windows.
template <class Iterations>
std::vector<double> time_windows(const Options& options, Iterations&& iterations) {
  const int window = choose_device(options.device).type == DeviceType::kCuda ? kWindow : 1;
  for (int i = 0; i < options.warmup; ++i) iterations.queue();
  if (options.warmup > 0) iterations.wait();
  std::vector<double> seconds;
  for (int i = 0; i < options.repeat; i += window) {
    const auto start = std::chrono::steady_clock::now();
    for (int k = 0; k < window; ++k) iterations.queue();
    iterations.wait();
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    seconds.push_back(passed.count() / window);
  }
  return seconds;
}

std::vector<double> time_iterations(const Options& options) {
  require(options.samples / 2 >= options.batch_size,
          "half of --samples must be a batch at least; it is {}", options.samples / 2);
  require(!options.augment || options.image_size == kSide,
          "--augment makes views of {0} x {0} pixels", kSide);
  if (options.augment) return time_windows(options, EpochIterations(options));
  return time_windows(options, ReadyIterations(options));
}

/// Returns the peak memory: of the process on the CPU, of the pool on a GPU.
double peak_mib(Device device) {
  // Not of getrusage: its maximum begins with that of the program that started this one.
  return static_cast<double>(memory_use(device).peak) / (1 << 20);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times one full BPT-PLR iteration.");
  add_choice(app, "--arch", options.arch, "which network");
  app.add_option("--width", options.width, "channels of the first stage");
  app.add_option("--image_size", options.image_size, "pixels of a side of the images");
  app.add_option("--batch_size", options.batch_size, "labelled and unlabelled samples each");
  app.add_option("--classes", options.classes, "classes");
  app.add_flag("--augment", options.augment, "make the views of every iteration, too");
  app.add_option("--samples", options.samples, "random images that --augment draws from");
  app.add_flag("--eager", options.eager, "on a GPU, queue every iteration anew");
  app.add_option("--repeat", options.repeat, "timed iterations");
  app.add_option("--warmup", options.warmup, "iterations before them");
  app.add_option("--threads", options.threads, "OpenMP threads");
  add_choice(app, "--device", options.device, "cpu or cuda");
  add_choice(app, "--precision", options.precision, "float32 or bf16");
  CLI11_PARSE(app, argc, argv);
  omp_set_num_threads(options.threads);
  const CpuPrecisionScope scope(options.precision);
  fmt::print(
      R"({{"impl": "bptplr", "device": "{}", "precision": "{}", "arch": "{}", "image_size": {}, )"
      R"("width": {}, "batch_size": {}, "classes": {}, "views": "{}", "graph": {}, "threads": {}, )"
      R"("seconds": [{:.6f}], )",
      options.device, options.precision, options.arch, options.image_size, options.width,
      options.batch_size, options.classes, options.augment ? "made" : "ready", options.records(),
      options.threads, fmt::join(time_iterations(options), ", "));
  fmt::print(R"("peak_mib": {:.0f}}})"
             "\n",
             peak_mib(choose_device(options.device)));
  return 0;
}

}  // namespace
}  // namespace bptplr

int main(int argc, char** argv) {
  bptplr::keep_freed_memory();
  try {
    return bptplr::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "step: error: {}\n", error.what());
    return 1;
  }
}
