#include "tools/bench/convolutions.hpp"

#include "engine/random.hpp"
#include "engine/tensor.hpp"
#include "kernels/conv2d_batch_norm.hpp"
#include "kernels/cuda/conv2d/tensor_core.hpp"
#include "kernels/cuda/libraries/libraries.hpp"
#include "kernels/elementwise.hpp"
#include "tools/bench/resnet_shapes.hpp"

namespace bptplr {
namespace {

using kernels::bfloat16;
using kernels::Conv2dShape;
using kernels::ConvolutionPass;

/// Returns the shapes of PreAct-ResNet18 (32 x 32) and the 1 x 1 convolutions of ResNet-50 (224 x
/// 224).
std::vector<Conv2dShape> shapes_of_networks(const ConvolutionOptions& o) {
  std::vector<Conv2dShape> shapes = preact_resnet18_shapes(o.images, o.width);
  for (int stage = 0; stage < 4; ++stage) {
    const std::int64_t side = 56 >> stage, channels = o.width << stage;
    shapes.push_back({o.images, side, side, channels, 4 * channels, 1, 1, 0});
    shapes.push_back({o.images, side, side, 4 * channels, channels, 1, 1, 0});
  }
  return shapes;
}

/// Arrays of one shape on the device. Values are random, as the power of products, and so the
/// clock, depends on them.
struct Arrays {
  Tensor x, w, y, dw, dw_scratch;

  Arrays(const Conv2dShape& s, Device device)
      : x(normal({s.n, s.h, s.w, s.c}, device)),
        w(normal({s.k, s.kernel, s.kernel, s.c}, device)),
        y(normal({s.n, s.out_h(), s.out_w(), s.k}, device)),
        dw(Tensor::zeros(w.shape(), DType::kFloat32, device)),
        dw_scratch(Tensor::zeros(w.shape(), DType::kBfloat16, device)) {}

  static Tensor normal(Shape shape, Device device) {
    constexpr std::int64_t kPeriod = 65'521;
    static const std::vector<float> values = [] {
      Philox random(1, Purpose::kTest, 5);
      std::vector<float> drawn(kPeriod);
      for (float& value : drawn) value = static_cast<float>(random.normal());
      return drawn;
    }();
    Tensor t = Tensor::empty(std::move(shape));
    for (std::int64_t i = 0; i < t.numel(); ++i) {
      t.data<float>()[i] = values[static_cast<std::size_t>(i % kPeriod)];
    }
    return t.to(device).to(DType::kBfloat16);
  }
};

std::string describe(const Conv2dShape& s) {
  return fmt::format("{} x {} x {} x {} to {}, {} x {}, stride {}", s.n, s.h, s.w, s.c, s.k,
                     s.kernel, s.kernel, s.stride);
}

double operations_of(const Conv2dShape& s) {
  return 2.0 * static_cast<double>(s.n * s.out_h() * s.out_w() * s.weights());
}

/// Times one pass with every implementation: ours(tiling) and library().
template <class Ours, class Library>
void time_pass(const KernelTimer& timer, const ConvolutionOptions& o, const Conv2dShape& s,
               const char* pass, int tilings, double out_bytes, Ours&& ours, Library&& library) {
  const std::string shape = describe(s);
  const auto pixels = static_cast<double>(s.n * s.out_h() * s.out_w());
  const double operations = operations_of(s);
  const double elements =
      static_cast<double>(s.n * s.h * s.w * s.c + s.weights()) + pixels * static_cast<double>(s.k);
  const double bytes = sizeof(bfloat16) * elements + out_bytes;
  const double floor = std::max(operations / (o.tflops * 1e12), timer.copy_seconds(bytes));
  if (kernels::tensor_cores_can(s)) {
    for (int tiling = 0; tiling < tilings; ++tiling) {
      timer.report_beside_floor(fmt::format("conv2d {}, ours, tiling {}", pass, tiling), shape,
                                operations, floor, [&] { ours(tiling); });
    }
  }
  timer.report_beside_floor(fmt::format("conv2d {}, cuDNN", pass), shape, operations, floor,
                            library);
}

/// Times a forward pass with the residual add and the batch normalisation after it: fused if that
/// is faster, and one after the other.
void time_with_batch_norm(const KernelTimer& timer, const ConvolutionOptions& o,
                          const Conv2dShape& s, Arrays& arrays) {
  const auto& ctx = timer.context();
  const std::string shape = describe(s);
  kernels::BatchNormShape rows = kernels::batch_norm_shape(s, 1);
  rows.relu = true;
  Tensor addend_values = Arrays::normal(arrays.y.shape(), timer.device());
  const Tensor ones = Tensor::full({s.k}, 1.0).to(timer.device());
  Tensor mean = ones.clone(), variance = ones.clone();
  const auto* x = arrays.x.data<bfloat16>();
  const auto* w = arrays.w.data<bfloat16>();
  const auto* addend = addend_values.data<bfloat16>();
  auto* y = arrays.y.data<bfloat16>();
  auto* one = ones.data<float>();
  const kernels::FixedBatchNorm<float> norm{one, one, one, one, 1e-5F, true};
  const double bytes = sizeof(bfloat16) * static_cast<double>(arrays.x.numel() + arrays.w.numel() +
                                                              2 * arrays.y.numel());
  const double operations = operations_of(s);
  const double floor = std::max(operations / (o.tflops * 1e12), timer.copy_seconds(bytes));
  const auto report = [&](const char* name, auto&& run) {
    timer.report_beside_floor(name, shape, operations, floor, run);
  };
  report("conv2d + addend, statistics: conv2d_statistics", [&] {
    kernels::conv2d_statistics(ctx, s, 1, x, w, addend, y, mean.data<float>(),
                               variance.data<float>());
  });
  report("conv2d + addend, statistics: one after the other", [&] {
    kernels::conv2d_forward(ctx, s, x, w, y);
    kernels::batch_norm_add_statistics(ctx, rows, y, addend, y, mean.data<float>(),
                                       variance.data<float>());
  });
  report("conv2d + addend, normalised: conv2d_normalized", [&] {
    kernels::conv2d_normalized<kernels::CudaContext, bfloat16>(ctx, s, x, w, addend, norm, nullptr,
                                                               y);
  });
  report("conv2d + addend, normalised: one after the other", [&] {
    kernels::conv2d_forward(ctx, s, x, w, y);
    kernels::add(ctx, y, addend, y, arrays.y.numel());
    kernels::batch_norm_normalize(ctx, rows, y, one, one, one, one, 1e-5F, y);
  });
}

}  // namespace

void time_convolutions(const KernelTimer& timer, const ConvolutionOptions& options) {
  const auto& ctx = timer.context();
  for (const Conv2dShape& s : shapes_of_networks(options)) {
    Arrays arrays(s, timer.device());
    auto* x = arrays.x.data<bfloat16>();
    auto* w = arrays.w.data<bfloat16>();
    auto* y = arrays.y.data<bfloat16>();
    auto* dw = arrays.dw.data<float>();
    auto* scratch = arrays.dw_scratch.data<bfloat16>();
    time_pass(
        timer, options, s, "backward weights", kernels::weights_tilings(ctx),
        2.0 * static_cast<double>(s.weights()),  // the gradient is float32
        [&](int tiling) { kernels::tensor_core_backward_weights(ctx, s, tiling, x, y, dw); },
        [&] {
          kernels::convolution(ctx, ConvolutionPass::kBackwardWeights, s, x, y, scratch);
          kernels::convert(ctx, scratch, dw, s.weights());
        });
    time_pass(
        timer, options, s, "forward", kernels::gather_tilings(ctx), 0,
        [&](int tiling) { kernels::tensor_core_forward(ctx, s, tiling, x, w, y); },
        [&] { kernels::convolution(ctx, ConvolutionPass::kForward, s, x, w, y); });
    time_with_batch_norm(timer, options, s, arrays);
    time_pass(
        timer, options, s, "backward data", kernels::gather_tilings(ctx), 0,
        [&](int tiling) { kernels::tensor_core_backward_data(ctx, s, tiling, y, w, x); },
        [&] { kernels::convolution(ctx, ConvolutionPass::kBackwardData, s, y, w, x); });
  }
}

}  // namespace bptplr
