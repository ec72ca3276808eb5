// Whether the convolutions by warp groups can be trusted on this GPU.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <vector>

#include "kernels/cuda/conv2d/tensor_core.hpp"
#include "kernels/cuda/runtime/launch.hpp"

namespace bptplr::kernels {
namespace {

// Small and odd: rows for two warp groups, of which the second is cut, two tiles of channels, and
// more slices of the depth than shared memory has room for.
constexpr Conv2dShape kProblem{3, 7, 5, 72, 136, 3, 1, 1};
// Outputs in bfloat16 may be rounded the other way (2^-8 of one value in a few); float32 sums
// differ in their last bits.
constexpr double kRoundedTolerance = 2e-3;
constexpr double kSummedTolerance = 1e-5;

bool is_hopper() {
  int device = 0;
  check(cudaGetDevice(&device), "when the device was asked for");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "when the device was described");
  return properties.major == 9 && properties.minor == 0;
}

/// Memory of its own, for this once: a context need not have a pool.
template <class T>
class DeviceValues {
 public:
  DeviceValues(const CudaContext& ctx, std::int64_t count)
      : stream_(stream_of(ctx)), count_(static_cast<std::size_t>(count)) {
    void* memory = nullptr;
    check(cudaMalloc(&memory, count_ * sizeof(T)), "when the convolutions were tried");
    memory_ = static_cast<T*>(memory);
  }
  DeviceValues(const DeviceValues&) = delete;
  DeviceValues& operator=(const DeviceValues&) = delete;
  ~DeviceValues() { cudaFree(memory_); }

  T* get() const { return memory_; }
  std::vector<T> to_host() const {
    std::vector<T> values(count_);
    copy(values.data(), memory_);
    return values;
  }
  /// Values in -1..1 of which no two neighbours are alike.
  void fill(std::uint32_t seed) const {
    std::vector<T> values(count_);
    for (T& value : values) {
      seed = seed * 1664525u + 1013904223u;
      value = T(static_cast<float>(seed >> 8) * 0x1p-23F - 1.0F);
    }
    copy(memory_, values.data());
  }

 private:
  void copy(T* to, const T* from) const {
    check(cudaMemcpyAsync(to, from, count_ * sizeof(T), cudaMemcpyDefault, stream_),
          "when the convolutions were tried");
    check(cudaStreamSynchronize(stream_), "when the convolutions were tried");
  }

  cudaStream_t stream_;
  std::size_t count_;
  T* memory_ = nullptr;
};

/// Whether compute(first), ..., compute(first + count - 1) write to `out` what compute(0) does.
template <class T>
bool agree(const DeviceValues<T>& out, int first, int count, double tolerance,
           const std::function<void(int tiling)>& compute) {
  compute(0);
  const std::vector<T> expected = out.to_host();
  for (int tiling = first; tiling < first + count; ++tiling) {
    out.fill(0);
    compute(tiling);
    const std::vector<T> values = out.to_host();
    double error = 0.0, norm = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double reference = static_cast<float>(expected[i]);
      error += std::pow(static_cast<float>(values[i]) - reference, 2);
      norm += reference * reference;
    }
    if (!(error <= tolerance * tolerance * norm)) return false;  // nor is NaN agreement
  }
  return true;
}

bool all_agree(const CudaContext& ctx) {
  const Conv2dShape& s = kProblem;
  const DeviceValues<bfloat16> x(ctx, s.n * s.h * s.w * s.c), w(ctx, s.weights()),
      y(ctx, s.n * s.out_h() * s.out_w() * s.k), dy(ctx, s.n * s.out_h() * s.out_w() * s.k),
      dx(ctx, s.n * s.h * s.w * s.c);
  const DeviceValues<float> dw(ctx, s.weights());
  x.fill(1);
  w.fill(2);
  dy.fill(3);
  return agree<bfloat16>(
             y, kGatherTilings, kGatherGroupTilings, kRoundedTolerance,
             [&](int tiling) { tensor_core_forward(ctx, s, tiling, x.get(), w.get(), y.get()); }) &&
         agree<bfloat16>(dx, kGatherTilings, kGatherGroupTilings, kRoundedTolerance,
                         [&](int tiling) {
                           tensor_core_backward_data(ctx, s, tiling, dy.get(), w.get(), dx.get());
                         }) &&
         agree<float>(dw, kWeightsTilings, kWeightsGroupTilings, kSummedTolerance, [&](int tiling) {
           tensor_core_backward_weights(ctx, s, tiling, x.get(), dy.get(), dw.get());
         });
}

/// BPTPLR_WARP_GROUPS=0 leaves them out, where they would end the process.
bool are_wanted() {
  const char* value = std::getenv("BPTPLR_WARP_GROUPS");
  return value == nullptr || std::string_view(value) != "0";
}

}  // namespace

bool warp_groups_can(const CudaContext& ctx) {
  static const bool can = are_wanted() && is_hopper() && all_agree(ctx);
  return can;
}

int gather_tilings(const CudaContext& ctx) {
  return kGatherTilings + (warp_groups_can(ctx) ? kGatherGroupTilings : 0);
}

int weights_tilings(const CudaContext& ctx) {
  return kWeightsTilings + (warp_groups_can(ctx) ? kWeightsGroupTilings : 0);
}

}  // namespace bptplr::kernels
