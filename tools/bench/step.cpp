// Times one full BPT-PLR training iteration (step 5: co-guess, co-refine, MixUp, all losses, one
// SGD step) on random images held in memory. Prints one line of JSON, as step_pytorch.py does.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <exception>

#include "bpt_plr/iteration.hpp"
#include "engine/memory.hpp"
#include "engine/random.hpp"
#include "kernels/device_memory.hpp"
#include "models/preact_resnet.hpp"

namespace bptplr {
namespace {

constexpr std::int64_t kSide = 32;
constexpr std::int64_t kClasses = 10;

struct Options {
  std::int64_t width = 64;
  std::int64_t batch_size = 64;
  int repeat = 3;
  int warmup = 1;
  int threads = 2;
  std::string device = "cpu";
  std::string precision = "float32";
};

Tensor random_normal(Shape shape, std::uint32_t stream) {
  Philox random(1, Purpose::kTest, 0, stream);
  Tensor t = Tensor::empty(std::move(shape));
  std::generate_n(t.data<float>(), t.numel(), [&] { return static_cast<float>(random.normal()); });
  return t;
}

IterationBatch random_batch(const Options& options) {
  const std::int64_t b = options.batch_size;
  const Device device = parse_device(options.device);
  const auto views = [&](std::int64_t count, std::uint32_t stream) {
    const Tensor images = random_normal({count, kSide, kSide, 3}, stream).to(device);
    return options.precision == "bf16" ? images.to(DType::kBfloat16) : images;
  };
  IterationBatch batch;
  batch.weak = views(4 * b, 1);
  batch.combined = views(8 * b, 3);
  Philox random(1, Purpose::kTest, 1);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 2 * b; ++i) labels.push_back(random.below(kClasses));
  batch.labels.assign(labels.begin(), labels.begin() + b);
  for (std::int64_t i = 0; i < b; ++i) batch.clean_probability.push_back(random.uniform());
  batch.class_sets = make_class_sets(random_normal({2 * b, kClasses}, 4).to(device), labels, 3);
  batch.mix = 0.7F;
  batch.permutation = random.permutation(4 * b);
  return batch;
}

std::vector<double> time_iterations(const Options& options) {
  PreActResNetConfig config;
  config.width = options.width;
  PreActResNet k(config, 1, 0);
  PreActResNet j(config, 1, 1);
  k.named().move_to(parse_device(options.device));
  j.named().move_to(parse_device(options.device));
  Sgd optimizer(k.named().parameters(), 0.9, 5e-4);
  IterationBatch batch = random_batch(options);
  IterationOptions iteration;
  iteration.lambda = 25.0;
  std::vector<double> seconds;
  for (int i = 0; i < options.warmup + options.repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    training_iteration(k, j, optimizer, batch, iteration);
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    if (i >= options.warmup) seconds.push_back(passed.count());
  }
  return seconds;
}

/// Most memory there has been: of the process on the CPU, of the pool on a GPU.
double peak_mib(Device device) {
  if (device.type == DeviceType::kCuda) {
    return static_cast<double>(kernels::device_memory_use(cuda_context(device)).peak) / (1 << 20);
  }
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_maxrss) / (1 << 10);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times one full BPT-PLR iteration.");
  app.add_option("--width", options.width, "channels of the first stage");
  app.add_option("--batch_size", options.batch_size, "labelled and unlabelled samples each");
  app.add_option("--repeat", options.repeat, "timed iterations");
  app.add_option("--warmup", options.warmup, "iterations before them");
  app.add_option("--threads", options.threads, "OpenMP threads");
  app.add_option("--device", options.device, "cpu or cuda");
  app.add_option("--precision", options.precision, "float32 or bf16");
  CLI11_PARSE(app, argc, argv);
  omp_set_num_threads(options.threads);
  fmt::print(
      R"({{"impl": "bptplr", "device": "{}", "precision": "{}", "width": {}, "batch_size": {}, )"
      R"("threads": {}, "seconds": [{:.5f}], )",
      options.device, options.precision, options.width, options.batch_size, options.threads,
      fmt::join(time_iterations(options), ", "));
  fmt::print(R"("peak_mib": {:.0f}}})"
             "\n",
             peak_mib(parse_device(options.device)));
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
