// Times the convolutions of PreAct-ResNet18 on the CPU, ours and oneDNN's in turn, and prints a
// line of JSON for each pass of each shape: milliseconds (the median of --repeat calls), GFLOP/s,
// counted as of the direct convolution, and the error beside the plain loops in double precision,
// on two images. Uses OMP_NUM_THREADS threads; BPTPLR_MAX_CPU_ISA=AVX2 and ONEDNN_MAX_CPU_ISA=AVX2
// keep both from AVX-512. conv2d_pytorch.py times the same in PyTorch.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/memory.hpp"
#include "engine/random.hpp"
#include "kernels/cpu/conv2d/onednn_conv2d.hpp"
#include "kernels/cpu_level.hpp"
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

/// One implementation of the three passes.
struct Ours {
  static constexpr const char* kName = "bptplr";
  static void forward(const Conv2dShape& s, const float* x, const float* w, float* y) {
    kernels::conv2d_forward(cpu_context(), s, x, w, y);
  }
  static void backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx) {
    kernels::conv2d_backward_data(cpu_context(), s, dy, w, dx);
  }
  static void backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw) {
    kernels::conv2d_backward_weights(cpu_context(), s, x, dy, dw, nullptr);
  }
};

struct OneDnn {
  static constexpr const char* kName = "onednn";
  static constexpr auto kFactors = kernels::onednn::Factors::kFloat32;
  static void forward(const Conv2dShape& s, const float* x, const float* w, float* y) {
    kernels::onednn::convolve_forward(cpu_context(), kFactors, s, x, w, y);
  }
  static void backward_data(const Conv2dShape& s, const float* dy, const float* w, float* dx) {
    kernels::onednn::convolve_backward_data(cpu_context(), kFactors, s, dy, w, dx);
  }
  static void backward_weights(const Conv2dShape& s, const float* x, const float* dy, float* dw) {
    kernels::onednn::convolve_backward_weights(cpu_context(), kFactors, s, x, dy, dw);
  }
};

/// Operands and results of all passes of a shape.
template <class T>
struct Buffers {
  std::vector<T> x, w, dy, y, dx, dw;

  explicit Buffers(const Conv2dShape& s)
      : x(values(s.n * s.h * s.w * s.c)),
        w(values(s.weights())),
        dy(values(s.n * s.out_h() * s.out_w() * s.k)),
        y(dy),
        dx(x),
        dw(w) {}
  static std::vector<T> values(std::int64_t count) {
    const std::vector<float> normal = normal_values(count);
    return {normal.begin(), normal.end()};
  }
};

double relative_error(const std::vector<float>& result, const std::vector<double>& exact) {
  double difference = 0.0;
  double norm = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    difference += (result[i] - exact[i]) * (result[i] - exact[i]);
    norm += exact[i] * exact[i];
  }
  return std::sqrt(difference / norm);
}

struct Errors {
  double forward, backward_data, backward_weights;
};

template <class Impl>
Errors errors_of(Conv2dShape s) {
  s.n = 2;
  Buffers<float> f(s);
  Buffers<double> d(s);
  const kernels::CpuContext ctx = cpu_context();
  Impl::forward(s, f.x.data(), f.w.data(), f.y.data());
  Impl::backward_data(s, f.dy.data(), f.w.data(), f.dx.data());
  Impl::backward_weights(s, f.x.data(), f.dy.data(), f.dw.data());
  kernels::conv2d_forward(ctx, s, d.x.data(), d.w.data(), d.y.data());
  kernels::conv2d_backward_data(ctx, s, d.dy.data(), d.w.data(), d.dx.data());
  kernels::conv2d_backward_weights(ctx, s, d.x.data(), d.dy.data(), d.dw.data(), nullptr);
  return {relative_error(f.y, d.y), relative_error(f.dx, d.dx), relative_error(f.dw, d.dw)};
}

template <class Impl>
void time_shape(const Conv2dShape& s, int repeat) {
  Buffers<float> b(s);
  const Errors errors = errors_of<Impl>(s);
  const double operations =
      2.0 * static_cast<double>(s.n * s.out_h() * s.out_w()) * static_cast<double>(s.weights());
  const auto report = [&](const char* pass, double error, auto&& fn) {
    const double seconds = median_seconds(repeat, fn);
    fmt::print(
        R"({{"impl": "{}", "pass": "{}", "shape": "{}x{}x{}x{} to {}, {}x{} / {}", "ms": {:.3f}, )"
        R"("GFLOP_per_s": {:.1f}, "error": {:.1e}}})"
        "\n",
        Impl::kName, pass, s.n, s.h, s.w, s.c, s.k, s.kernel, s.kernel, s.stride, seconds * 1e3,
        operations / seconds / 1e9, error);
    std::fflush(stdout);
  };
  report("forward", errors.forward, [&] { Impl::forward(s, b.x.data(), b.w.data(), b.y.data()); });
  report("backward_data", errors.backward_data,
         [&] { Impl::backward_data(s, b.dy.data(), b.w.data(), b.dx.data()); });
  report("backward_weights", errors.backward_weights,
         [&] { Impl::backward_weights(s, b.x.data(), b.dy.data(), b.dw.data()); });
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
  fmt::print(stderr, "level of our convolutions: {}\n", kernels::cpu_level());
  for (const Conv2dShape& shape : preact_resnet18_shapes(options.images, options.width)) {
    time_shape<Ours>(shape, options.repeat);
    time_shape<OneDnn>(shape, options.repeat);
  }
  return 0;
}

}  // namespace
}  // namespace bptplr

int main(int argc, char** argv) {
  return bptplr::run(argc, argv);
}
