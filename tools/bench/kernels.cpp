// Times the hand-written CUDA kernels and compares the bytes that each must move with the rate of a
// plain copy in the same run. Prints one line of JSON per kernel.
#include <CLI/CLI.hpp>
#include <exception>
#include <numeric>

#include "data/image_views.hpp"
#include "engine/random.hpp"
#include "kernels/batch_norm.hpp"
#include "kernels/bias.hpp"
#include "kernels/device_memory.hpp"
#include "kernels/dropout.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gather.hpp"
#include "kernels/gmm.hpp"
#include "kernels/l2_normalize.hpp"
#include "kernels/losses.hpp"
#include "kernels/mixup.hpp"
#include "kernels/partition.hpp"
#include "kernels/plr.hpp"
#include "kernels/pool.hpp"
#include "kernels/prototypes.hpp"
#include "kernels/sample_losses.hpp"
#include "kernels/sgd.hpp"
#include "kernels/softmax.hpp"
#include "kernels/targets.hpp"
#include "tools/bench/convolutions.hpp"
#include "tools/bench/kernel_timer.hpp"

namespace bptplr {
namespace {

constexpr std::int64_t kClasses = 10;
constexpr std::int64_t kProjection = 128;

struct Options {
  std::int64_t mib = 256;         ///< of an activation: far larger than the L2 cache
  std::int64_t images = 50'000;   ///< of a training set
  std::int64_t many = 1'000'000;  ///< samples of a large one
  std::int64_t parameters = 11'200'000;
  ConvolutionOptions convolutions;
  int rounds = 5;
  int calls = 20;
};

template <class T>
const char* type_name() {
  return std::is_same_v<T, float> ? "float32" : "bf16";
}

/// Makes tensors on the device, whose content does not matter to kernels that only stream.
class Maker {
 public:
  explicit Maker(Device device) : device_(device) {}

  template <class T = float>
  Tensor zeros(Shape shape) const {
    return Tensor::zeros(std::move(shape), kDTypeOf<T>, device_);
  }
  Tensor normal(Shape shape) const {
    Philox random(1, Purpose::kTest, 0);
    Tensor t = Tensor::empty(std::move(shape));
    std::generate_n(t.data<float>(), t.numel(),
                    [&] { return static_cast<float>(random.normal()); });
    return t.to(device_);
  }
  Tensor labels(std::int64_t n) const {
    Philox random(1, Purpose::kTest, 1);
    std::vector<std::int64_t> values(static_cast<std::size_t>(n));
    for (std::int64_t& label : values) label = random.below(kClasses);
    return Tensor::from(values, {n}).to(device_);
  }
  Tensor permutation(std::int64_t n) const {
    Philox random(1, Purpose::kTest, 2);
    return Tensor::from(random.permutation(n), {n}).to(device_);
  }

 private:
  Device device_;
};

void time_copy(KernelTimer& timer, const Maker& make, const Options& options) {
  const std::int64_t bytes = options.mib << 20;
  const Tensor source = make.zeros<std::uint8_t>({bytes});
  Tensor target = make.zeros<std::uint8_t>({bytes});
  const auto copy = [&] {
    kernels::copy_on_device(timer.context(), target.raw(), source.raw(),
                            static_cast<std::size_t>(bytes));
  };
  timer.set_copy_bandwidth(2.0 * static_cast<double>(bytes) / timer.seconds(copy));
  timer.report("copy", fmt::format("{} MiB", options.mib), 2.0 * static_cast<double>(bytes), copy);
}

template <class T>
void time_elementwise(const KernelTimer& timer, const Maker& make, const Options& options) {
  const std::int64_t n = (options.mib << 20) / static_cast<std::int64_t>(sizeof(T));
  const Tensor a = make.zeros<T>({n}), b = make.zeros<T>({n});
  Tensor out = make.zeros<T>({n});
  const double bytes = static_cast<double>(n) * sizeof(T);
  const auto report = [&](const char* kernel, double arrays, auto&& fn) {
    timer.report(kernel, fmt::format("{} {}", n, type_name<T>()), arrays * bytes, fn);
  };
  const auto& ctx = timer.context();
  report("relu_forward", 2, [&] { kernels::relu_forward(ctx, a.data<T>(), out.data<T>(), n); });
  report("relu_backward", 3,
         [&] { kernels::relu_backward(ctx, a.data<T>(), b.data<T>(), out.data<T>(), n); });
  report("leaky_relu_forward", 2,
         [&] { kernels::leaky_relu_forward(ctx, 0.01F, a.data<T>(), out.data<T>(), n); });
  report("leaky_relu_backward", 3, [&] {
    kernels::leaky_relu_backward(ctx, 0.01F, a.data<T>(), b.data<T>(), out.data<T>(), n);
  });
  const auto stream = Philox(1, Purpose::kTest).stream();
  report("dropout", 2, [&] {
    kernels::dropout(ctx, {1, 1, n, 0.5F}, stream, a.data<T>(), out.data<T>());
  });
  report("add", 3, [&] { kernels::add(ctx, a.data<T>(), b.data<T>(), out.data<T>(), n); });
}

template <class T>
void time_batch_norm(const KernelTimer& timer, const Maker& make, const Options& options,
                     std::int64_t groups, std::int64_t channels) {
  kernels::BatchNormShape shape{groups, 0, channels, true};
  shape.rows = (options.mib << 20) / static_cast<std::int64_t>(sizeof(T)) / channels / groups;
  const Shape dims{shape.total_rows(), channels};
  const Tensor x = make.zeros<T>(dims), other = make.zeros<T>(dims), more = make.zeros<T>(dims);
  Tensor y = make.zeros<T>(dims), mean = make.zeros({groups, channels});
  Tensor variance = make.zeros({groups, channels});
  const Tensor weight = make.zeros({channels}), bias = make.zeros({channels});
  Tensor dweight = make.zeros({channels}), dbias = make.zeros({channels});
  Tensor sums = make.zeros<double>({2, groups, channels});
  const double bytes = static_cast<double>(x.numel()) * sizeof(T);
  const auto report = [&](const char* kernel, double arrays, auto&& fn) {
    timer.report(kernel,
                 fmt::format("{} x {} x {} {}", groups, shape.rows, channels, type_name<T>()),
                 arrays * bytes, fn);
  };
  const auto& ctx = timer.context();
  const auto f = [](Tensor& t) { return t.data<float>(); };
  const auto gradients = [&](const T* more_dy) {
    const kernels::BatchNormGradient<T> in{
        x.data<T>(),          other.data<T>(),    more_dy, f(mean), f(variance),
        weight.data<float>(), bias.data<float>(), 1e-5F};
    kernels::batch_norm_backward_sums(ctx, shape, in, sums.data<double>(), f(dweight), f(dbias));
    kernels::batch_norm_backward_input(ctx, shape, shape.rows, in, sums.data<double>(),
                                       y.data<T>());
  };
  report("batch_norm_statistics", 1,
         [&] { kernels::batch_norm_statistics(ctx, shape, x.data<T>(), f(mean), f(variance)); });
  report("batch_norm_add_statistics", 3, [&] {
    kernels::batch_norm_add_statistics(ctx, shape, x.data<T>(), other.data<T>(), y.data<T>(),
                                       f(mean), f(variance));
  });
  report("batch_norm_normalize+relu", 2, [&] {
    kernels::batch_norm_normalize(ctx, shape, x.data<T>(), f(mean), f(variance),
                                  weight.data<float>(), bias.data<float>(), 1e-5F, y.data<T>());
  });
  report("batch_norm_backward+relu", 5, [&] { gradients(nullptr); });
  report("batch_norm_backward+relu of two gradients", 7, [&] { gradients(more.data<T>()); });
}

template <class T>
void time_channels(const KernelTimer& timer, const Maker& make, const Options& options) {
  const std::int64_t channels = 64;
  const std::int64_t rows = (options.mib << 20) / static_cast<std::int64_t>(sizeof(T)) / channels;
  const std::int64_t pixels = 256;
  Tensor y = make.zeros<T>({rows, channels}), out = make.zeros<T>({rows, channels});
  Tensor bias = make.zeros({channels});
  const double bytes = static_cast<double>(y.numel()) * sizeof(T);
  const std::string shape = fmt::format("{} x {} {}", rows, channels, type_name<T>());
  const auto& ctx = timer.context();
  timer.report("add_bias", shape, 2 * bytes,
               [&] { kernels::add_bias(ctx, rows, channels, bias.data<float>(), y.data<T>()); });
  timer.report("bias_gradient", shape, bytes, [&] {
    kernels::bias_gradient(ctx, rows, channels, y.data<T>(), bias.data<float>());
  });
  const auto stream = Philox(1, Purpose::kTest).stream();
  timer.report("dropout of channels", shape, 2 * bytes, [&] {
    kernels::dropout(ctx, {rows / pixels, pixels, channels, 0.25F}, stream, y.data<T>(),
                     out.data<T>());
  });
}

template <class T>
void time_pool(const KernelTimer& timer, const Maker& make, const Options& options) {
  kernels::PoolShape s{0, 56, 56, 64, 3, 2, 1};
  s.n = (options.mib << 20) / static_cast<std::int64_t>(sizeof(T)) / (s.h * s.w * s.c) + 1;
  const Tensor x = make.zeros<T>({s.n, s.h, s.w, s.c});
  Tensor y = make.zeros<T>({s.n, s.out_h(), s.out_w(), s.c});
  Tensor winner = make.zeros<std::uint8_t>(y.shape()), dx = make.zeros<T>(x.shape());
  const double in = static_cast<double>(x.numel()) * sizeof(T);
  const double out = static_cast<double>(y.numel()) * (sizeof(T) + 1);
  const std::string shape = fmt::format("{} x {} x {} x {} {}", s.n, s.h, s.w, s.c, type_name<T>());
  const auto& ctx = timer.context();
  timer.report("max_pool_forward 3x3/2", shape, in + out, [&] {
    kernels::max_pool_forward(ctx, s, x.data<T>(), y.data<T>(), winner.data<std::uint8_t>());
  });
  timer.report("max_pool_backward 3x3/2", shape, in + out, [&] {
    kernels::max_pool_backward(ctx, s, y.data<T>(), winner.data<std::uint8_t>(), dx.data<T>());
  });
  Tensor means = make.zeros({s.n, s.c});
  timer.report("global_avg_pool_forward", shape, in, [&] {
    kernels::global_avg_pool_forward(ctx, s.n, s.h * s.w, s.c, x.data<T>(), means.data<float>());
  });
  timer.report("global_avg_pool_backward", shape, in, [&] {
    kernels::global_avg_pool_backward(ctx, s.n, s.h * s.w, s.c, means.data<float>(), dx.data<T>());
  });
}

template <class T>
void time_batches(const KernelTimer& timer, const Maker& make, const Options& options) {
  constexpr std::int64_t kPixels = 32 * 32 * 3;
  const std::int64_t rows =
      (options.mib << 20) / static_cast<std::int64_t>(sizeof(T)) / kPixels + 1;
  const Tensor images = make.zeros<T>({rows, kPixels}), order = make.permutation(rows);
  Tensor out = make.zeros<T>({rows, kPixels});
  const double bytes = static_cast<double>(images.numel()) * sizeof(T);
  const std::string shape = fmt::format("{} x {} {}", rows, kPixels, type_name<T>());
  const std::int64_t* perm = order.data<std::int64_t>();
  const Tensor l = make.zeros<double>({1});
  timer.report("mixup", shape, 3 * bytes, [&] {
    kernels::mixup(timer.context(), rows, kPixels, l.data<double>(), images.data<T>(),
                   images.data<T>(), perm, out.data<T>());
  });
  timer.report("gather_rows", shape, 2 * bytes, [&] {
    kernels::gather_rows(timer.context(), rows, kPixels, images.data<T>(), perm, out.data<T>());
  });
}

/// Times loss and target kernels: for a batch, where launches dominate, and for many rows.
void time_rows(const KernelTimer& timer, const Maker& make, std::int64_t rows,
               std::int64_t classes) {
  const Tensor z = make.zeros({rows, classes}), p = make.zeros({rows, classes});
  const Tensor w = make.zeros({rows}), labels = make.labels(rows);
  Tensor out = make.zeros({rows, classes}), scalar = make.zeros({4});
  const double matrix = 4.0 * static_cast<double>(rows * classes);
  const auto& ctx = timer.context();
  const float* in = z.data<float>();
  float* grad = out.data<float>();
  const kernels::SemiSupervisedCoefficients weights;
  const Tensor coefficients =
      Tensor::from_bytes(std::as_bytes(std::span(&weights, 1)), timer.device());
  const auto report = [&](const char* kernel, double bytes, auto&& fn) {
    timer.report(kernel, fmt::format("{} x {}", rows, classes), bytes, fn);
  };
  report("softmax", 2 * matrix, [&] { kernels::softmax(ctx, in, grad, rows, classes); });
  report("soft_cross_entropy", 3 * matrix, [&] {
    kernels::soft_cross_entropy(ctx, in, p.data<float>(), rows, classes, scalar.data<float>(),
                                grad);
  });
  report("semi_supervised_loss", 4 * matrix, [&] {
    kernels::semi_supervised_loss(
        ctx, {rows / 2, rows - rows / 2, classes},
        static_cast<const kernels::SemiSupervisedCoefficients*>(coefficients.raw()), in,
        p.data<float>(), scalar.data<float>(), scalar.data<float>() + 1, grad);
  });
  report("co_guess", 5 * matrix, [&] {
    float* no_p = nullptr;
    kernels::co_guess(ctx, rows, classes, 0.5, in, in, in, in, grad, no_p);
  });
  report("co_refine", 3 * matrix + 12.0 * static_cast<double>(rows), [&] {
    float* no_p = nullptr;
    kernels::co_refine(ctx, rows, classes, 0.5, in, in, labels.data<std::int64_t>(),
                       w.data<float>(), grad, no_p);
  });
  report("sample_cross_entropy", matrix + 12.0 * static_cast<double>(rows), [&] {
    kernels::sample_cross_entropy(ctx, rows, classes, in, labels.data<std::int64_t>(), grad);
  });
  report("sample_jensen_shannon", 2 * matrix + 12.0 * static_cast<double>(rows), [&] {
    kernels::sample_jensen_shannon(ctx, rows, classes, in, in, labels.data<std::int64_t>(), 1.0,
                                   grad);
  });
}

void time_projections(const KernelTimer& timer, const Maker& make, const Options& options) {
  const std::int64_t rows = (options.mib << 20) / 4 / kProjection;
  const Tensor x = make.normal({options.images, kProjection}),
               many = make.zeros({rows, kProjection});
  Tensor y = make.zeros({rows, kProjection}), norm = make.zeros({rows}), dx = make.zeros(y.shape());
  const double bytes = 4.0 * static_cast<double>(many.numel());
  const auto& ctx = timer.context();
  const std::string shape = fmt::format("{} x {}", rows, kProjection);
  timer.report("l2_normalize_forward", shape, 2 * bytes, [&] {
    kernels::l2_normalize_forward(ctx, many.data<float>(), y.data<float>(), norm.data<float>(),
                                  rows, kProjection);
  });
  timer.report("l2_normalize_backward", shape, 3 * bytes, [&] {
    kernels::l2_normalize_backward(ctx, y.data<float>(), norm.data<float>(), many.data<float>(),
                                   dx.data<float>(), rows, kProjection);
  });
  const Tensor labels = make.labels(options.images);
  Tensor prototypes = make.zeros({kClasses, kProjection});
  Tensor counts = make.zeros<std::int64_t>({kClasses});
  timer.report("update_prototypes", fmt::format("{} x {}", options.images, kProjection),
               4.0 * static_cast<double>(x.numel()) + 8.0 * static_cast<double>(options.images),
               [&] {
                 kernels::update_prototypes(ctx, {options.images, kProjection, kClasses}, 0.99,
                                            x.data<float>(), labels.data<std::int64_t>(),
                                            prototypes.data<float>(), counts.data<std::int64_t>());
               });
}

void time_sgd(const KernelTimer& timer, const Maker& make, const Options& options) {
  const std::int64_t n = options.parameters;
  const Tensor grad = make.zeros({n});
  Tensor velocity = make.zeros({n}), parameter = make.zeros({n}), copy = make.zeros<bfloat16>({n});
  const auto chunks = kernels::sgd_chunks(std::vector{n});
  const Tensor lr = make.zeros<double>({1});
  const Tensor list = Tensor::from_bytes(std::as_bytes(std::span(chunks)), timer.device());
  for (bfloat16* low : {static_cast<bfloat16*>(nullptr), copy.data<bfloat16>()}) {
    const std::vector<kernels::SgdTensor<float>> tensors{
        {grad.data<float>(), velocity.data<float>(), parameter.data<float>(), low, n}};
    const Tensor table = Tensor::from_bytes(std::as_bytes(std::span(tensors)), timer.device());
    timer.report(low == nullptr ? "sgd_step" : "sgd_step+bf16 copy",
                 fmt::format("{} parameters", n),
                 static_cast<double>(n) * (low == nullptr ? 20 : 22), [&] {
                   kernels::sgd_step(timer.context(), lr.data<double>(), 0.9, 5e-4,
                                     static_cast<const kernels::SgdTensor<float>*>(table.raw()),
                                     std::ssize(chunks),
                                     static_cast<const kernels::SgdChunk*>(list.raw()), nullptr);
                 });
    if (low != nullptr) continue;
    Tensor found = make.zeros<std::int64_t>({1});
    timer.report("find_nonfinite", fmt::format("{} parameters", n), 4.0 * static_cast<double>(n),
                 [&] {
                   kernels::find_nonfinite(
                       timer.context(), static_cast<const kernels::SgdTensor<float>*>(table.raw()),
                       std::ssize(chunks), static_cast<const kernels::SgdChunk*>(list.raw()),
                       found.data<std::int64_t>());
                 });
  }
}

/// Times all views of an epoch: two weak and two strong ones of every image.
template <class T>
void time_augment(const KernelTimer& timer, const Maker& make, const Options& options) {
  constexpr int kSide = 32;
  const std::int64_t n = options.images;
  const Tensor pixels = make.zeros<std::uint8_t>({n, kSide, kSide, 3}), order = make.permutation(n);
  Tensor out = make.zeros<T>(pixels.shape());
  const std::vector<float> mean{0.5F, 0.5F, 0.5F}, std{0.25F, 0.25F, 0.25F};
  for (const View view : {View::kWeak, View::kStrong}) {
    std::vector<kernels::AugmentProgram> programs;
    Philox random(1, Purpose::kTest, 3);
    for (std::int64_t i = 0; i < n; ++i) {
      programs.push_back(kernels::prepare(draw_plan(view, kSide, kSide, {}, random), kSide, kSide));
    }
    const Tensor list = Tensor::from_bytes(std::as_bytes(std::span(programs)), timer.device());
    timer.report(view == View::kWeak ? "augment weak" : "augment strong",
                 fmt::format("{} x 32 x 32 x 3 {}", n, type_name<T>()),
                 static_cast<double>(pixels.numel()) * (1 + sizeof(T)), [&] {
                   kernels::augment_batch(timer.context(), {n, kSide, kSide, kSide, kSide},
                                          pixels.data<std::uint8_t>(), order.data<std::int64_t>(),
                                          static_cast<const kernels::AugmentProgram*>(list.raw()),
                                          mean.data(), std.data(), out.data<T>());
                 });
  }
}

/// Times two fits of n losses each, with ten EM iterations, and the partition by their posteriors.
void time_selection(const KernelTimer& timer, const Maker& make, std::int64_t n) {
  constexpr std::int64_t kFits = 2;
  Philox random(1, Purpose::kTest, 4);
  std::vector<float> values;
  for (std::int64_t i = 0; i < kFits * n; ++i) {
    const double centre = random.below(5) < 2 ? 0.7 : 0.2;  // 40 % of the labels are wrong
    for (int axis = 0; axis < 2; ++axis) {
      values.push_back(static_cast<float>(centre + 0.1 * random.normal()));
    }
  }
  const Tensor points = Tensor::from(values, {kFits * n, 2}).to(timer.device());
  const Tensor uniforms =
      Tensor::from(std::vector(kFits * kernels::kGmmUniforms, 0.4), {kFits * kernels::kGmmUniforms})
          .to(timer.device());
  Tensor results = make.zeros<std::uint8_t>({kFits * std::int64_t{sizeof(kernels::GmmResult)}});
  Tensor clean = make.zeros<double>({kFits * n});
  const std::vector<std::int64_t> offsets{0, n, 2 * n};
  const kernels::GmmOptions options{.max_iter = 10, .tol = 0.0};
  const std::string shape = fmt::format("2 fits of {} points, 10 iterations", n);
  timer.report("gmm_fit", shape, 0, [&] {
    double* no_posteriors = nullptr;
    kernels::gmm_fit(timer.context(), options, kFits, offsets.data(), points.data<float>(),
                     uniforms.data<double>(), static_cast<kernels::GmmResult*>(results.raw()),
                     clean.data<double>(), no_posteriors);
  });
  const Tensor labels = make.labels(n);
  Tensor samples = make.zeros<std::int64_t>({n});
  timer.report("balanced_partition", fmt::format("{} samples", n), 0, [&] {
    kernels::balanced_partition(timer.context(), n, kClasses, 0.5, clean.data<double>(),
                                labels.data<std::int64_t>(), samples.data<std::int64_t>());
  });
}

void time_contrastive(const KernelTimer& timer, const Maker& make, std::int64_t samples) {
  const Tensor raw = make.normal({2 * samples, kProjection}), labels = make.labels(samples);
  const Tensor logits = make.normal({samples, kClasses});
  Tensor features = make.zeros(raw.shape()), norm = make.zeros({2 * samples}),
         loss = make.zeros({1});
  Tensor grad = make.zeros(raw.shape()), sets = make.zeros<std::int64_t>({samples});
  const auto& ctx = timer.context();
  kernels::l2_normalize_forward(ctx, raw.data<float>(), features.data<float>(), norm.data<float>(),
                                2 * samples, kProjection);
  auto* bits = static_cast<std::uint64_t*>(sets.raw());
  timer.report("class_sets", fmt::format("{} x {}", samples, kClasses), 0, [&] {
    kernels::class_sets(ctx, samples, kClasses, 3, logits.data<float>(),
                        labels.data<std::int64_t>(), bits);
  });
  const kernels::ContrastiveShape shape{samples, kProjection, 1};
  for (const auto kind : {kernels::ContrastiveLoss::kPlr, kernels::ContrastiveLoss::kFlatPlr}) {
    timer.report(kind == kernels::ContrastiveLoss::kPlr ? "plr" : "flat_plr",
                 fmt::format("{} anchors x {}, forward and backward", 2 * samples, kProjection), 0,
                 [&] {
                   std::int64_t* no_count = nullptr;
                   kernels::contrastive_loss(ctx, kind, shape, 1.0, features.data<float>(), bits,
                                             loss.data<float>(), grad.data<float>(), no_count);
                 });
  }
}

template <class T>
void time_activations(const KernelTimer& timer, const Maker& make, const Options& options) {
  time_elementwise<T>(timer, make, options);
  time_batch_norm<T>(timer, make, options, 1, 64);
  time_batch_norm<T>(timer, make, options, 4, 512);
  time_channels<T>(timer, make, options);
  time_pool<T>(timer, make, options);
  time_batches<T>(timer, make, options);
  time_augment<T>(timer, make, options);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times the CUDA kernels beside their floors.");
  app.add_option("--mib", options.mib, "size of an activation");
  app.add_option("--images", options.images, "images of the training set");
  app.add_option("--many", options.many, "samples of a large training set");
  app.add_option("--parameters", options.parameters, "of a model");
  app.add_option("--conv_images", options.convolutions.images, "batch of the convolutions");
  app.add_option("--conv_width", options.convolutions.width, "of the networks that they are of");
  app.add_option("--tflops", options.convolutions.tflops, "peak of the GPU in bfloat16, dense");
  app.add_option("--rounds", options.rounds, "rounds, of which the median counts");
  app.add_option("--calls", options.calls, "calls a round");
  CLI11_PARSE(app, argc, argv);

  const Device device = choose_device(DeviceChoice::kCuda);
  KernelTimer timer(device, options.rounds, options.calls);
  const Maker make(device);
  time_copy(timer, make, options);
  time_activations<float>(timer, make, options);
  time_activations<bfloat16>(timer, make, options);
  time_rows(timer, make, 256, kClasses);
  time_rows(timer, make, options.many, kClasses);
  time_rows(timer, make, options.images, 100);
  time_projections(timer, make, options);
  time_sgd(timer, make, options);
  for (const std::int64_t n : {options.images, options.many}) time_selection(timer, make, n);
  for (const std::int64_t samples : {128, 1024}) time_contrastive(timer, make, samples);
  time_convolutions(timer, options.convolutions);
  return 0;
}

}  // namespace
}  // namespace bptplr

int main(int argc, char** argv) {
  try {
    return bptplr::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "kernels: error: {}\n", error.what());
    return 1;
  }
}
