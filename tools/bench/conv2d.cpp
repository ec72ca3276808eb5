// Times the convolutions of PreAct-ResNet18 on the CPU and prints a line of JSON for each pass of
// each shape: milliseconds (the median of --repeat calls) and GFLOP/s, counted as of the direct
// convolution. Uses OMP_NUM_THREADS threads; ONEDNN_MAX_CPU_ISA=AVX2 keeps oneDNN from AVX-512.
#include "kernels/conv2d.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/memory.hpp"
#include "engine/random.hpp"
#include "tools/bench/resnet_shapes.hpp"

namespace bptplr {
namespace {

using kernels::Conv2dShape;

struct Options {
  std::int64_t images = 128;
  std::int64_t width = 64;
  int repeat = 5;
};

std::vector<float> normal_values(std::int64_t count) {
  Philox random(1, Purpose::kTest, 5);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

template <class Fn>
double median_seconds(int repeat, Fn&& fn) {
  fn();  // the first call plans
  std::vector<double> seconds;
  for (int i = 0; i < repeat; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    fn();
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::ranges::nth_element(seconds, seconds.begin() + repeat / 2);
  return seconds[static_cast<std::size_t>(repeat / 2)];
}

void time_shape(const Conv2dShape& s, int repeat) {
  std::vector<float> x = normal_values(s.n * s.h * s.w * s.c);
  std::vector<float> w = normal_values(s.weights());
  std::vector<float> y = normal_values(s.n * s.out_h() * s.out_w() * s.k);
  const double operations =
      2.0 * static_cast<double>(s.n * s.out_h() * s.out_w()) * static_cast<double>(s.weights());
  const auto report = [&](const char* pass, auto&& fn) {
    const double seconds = median_seconds(repeat, fn);
    fmt::print(
        R"({{"pass": "{}", "shape": "{}x{}x{}x{} to {}, {}x{} / {}", "ms": {:.3f}, "GFLOP_per_s": {:.1f}}})"
        "\n",
        pass, s.n, s.h, s.w, s.c, s.k, s.kernel, s.kernel, s.stride, seconds * 1e3,
        operations / seconds / 1e9);
    std::fflush(stdout);
  };
  const kernels::CpuContext& ctx = cpu_context();
  report("forward", [&] { kernels::conv2d_forward(ctx, s, x.data(), w.data(), y.data()); });
  report("backward_data",
         [&] { kernels::conv2d_backward_data(ctx, s, y.data(), w.data(), x.data()); });
  report("backward_weights",
         [&] { kernels::conv2d_backward_weights(ctx, s, x.data(), y.data(), w.data(), nullptr); });
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times the convolutions of PreAct-ResNet18 on the CPU");
  app.add_option("--images", options.images, "batch size")->capture_default_str();
  app.add_option("--width", options.width, "of the network")->capture_default_str();
  app.add_option("--repeat", options.repeat, "calls, of which the median counts")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  for (const Conv2dShape& shape : preact_resnet18_shapes(options.images, options.width)) {
    time_shape(shape, options.repeat);
  }
  return 0;
}

}  // namespace
}  // namespace bptplr

int main(int argc, char** argv) {
  return bptplr::run(argc, argv);
}
