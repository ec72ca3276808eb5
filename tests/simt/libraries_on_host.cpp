// Replaces NVIDIA's libraries under the executor: convolutions and matrix products on the CPU, on
// device memory, which is host memory there.
#include <cstddef>
#include <vector>

#include "kernels/cuda/libraries/libraries.hpp"
#include "kernels/ranges.hpp"
#include "tests/simt/executor.hpp"

namespace bptplr::kernels {
namespace {

class HostWorkspace final : public Workspace {
 public:
  void* reserve(std::size_t bytes) override {
    // 64-byte aligned, as kernels may expect.
    memory_.resize(bytes + 64);
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    return memory_.data() + (64 - address % 64);
  }

 private:
  std::vector<std::byte> memory_;
};

void convolve(ConvolutionPass pass, const Conv2dShape& shape, const float* a, const float* b,
              float* out) {
  static HostWorkspace workspace;
  const CpuContext ctx{&workspace};
  switch (pass) {
    case ConvolutionPass::kForward:
      return conv2d_forward(ctx, shape, a, b, out);
    case ConvolutionPass::kBackwardData:
      return conv2d_backward_data(ctx, shape, a, b, out);
    case ConvolutionPass::kBackwardWeights:
      return conv2d_backward_weights(ctx, shape, a, b, out, nullptr);
  }
}

struct Sizes {
  std::int64_t a, b, out;
};

Sizes sizes_of(ConvolutionPass pass, const Conv2dShape& s) {
  const std::int64_t x = s.n * s.h * s.w * s.c;
  const std::int64_t y = s.n * s.out_h() * s.out_w() * s.k;
  switch (pass) {
    case ConvolutionPass::kForward:
      return {x, s.weights(), y};
    case ConvolutionPass::kBackwardData:
      return {y, s.weights(), x};
    case ConvolutionPass::kBackwardWeights:
      return {x, y, s.weights()};
  }
  return {};
}

std::vector<float> widened(const bfloat16* values, std::int64_t count) {
  std::vector<float> wide(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < wide.size(); ++i) wide[i] = static_cast<float>(values[i]);
  return wide;
}

}  // namespace

template <>
void convolution(const CudaContext&, ConvolutionPass pass, const Conv2dShape& shape, const float* a,
                 const float* b, float* out) {
  simt::queue([=] { convolve(pass, shape, a, b, out); });
}

template <>
void convolution(const CudaContext&, ConvolutionPass pass, const Conv2dShape& shape,
                 const bfloat16* a, const bfloat16* b, bfloat16* out) {
  simt::queue([=] {
    const Sizes sizes = sizes_of(pass, shape);
    std::vector<float> result(static_cast<std::size_t>(sizes.out));
    convolve(pass, shape, widened(a, sizes.a).data(), widened(b, sizes.b).data(), result.data());
    for (std::size_t i = 0; i < result.size(); ++i) out[i] = bfloat16(result[i]);
  });
}

void gemm(const CudaContext&, const GemmShape& s, const float* a, const float* b, const float* bias,
          float* c) {
  simt::queue([=] {
    for (std::int64_t i = 0; i < s.m; ++i) {
      for (std::int64_t j = 0; j < s.n; ++j) {
        double sum = bias == nullptr ? 0.0 : bias[j];
        for (std::int64_t k = 0; k < s.k; ++k) {
          sum += static_cast<double>(s.transpose_a ? a[k * s.m + i] : a[i * s.k + k]) *
                 (s.transpose_b ? b[j * s.k + k] : b[k * s.n + j]);
        }
        c[i * s.n + j] = static_cast<float>(sum);
      }
    }
  });
}

void push_range(const char*) {}
void pop_range() {}

}  // namespace bptplr::kernels
