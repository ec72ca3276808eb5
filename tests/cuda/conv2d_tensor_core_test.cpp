// Our convolutions on the tensor cores against plain loops in double precision, with every tiling.
#include <fmt/format.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <string_view>

#include "kernels/cuda/conv2d/tensor_core.hpp"
#include "tests/cuda/convolutions.hpp"

#if defined(BPTPLR_SIMT)
#include <tensor_core.h>
#endif

namespace bptplr {
namespace {

using kernels::Conv2dShape;

// Rounding to bfloat16 errs by at most 2^-9 of a value, and by less than that in the mean square.
constexpr double kRoundedTolerance = 2e-3;
constexpr double kSummedTolerance = 2e-6;  // nothing is rounded but the float32 sums

/// What one call writes, beside what it must be.
struct Result {
  std::string pass;
  Tensor expected;
  double tolerance;
  bool same_for_any_tiling;
  std::function<Tensor()> compute;
};

std::vector<Result> passes_of(const Conv2dShape& s, int tiling) {
  const ConvolutionProblem p = make_convolution<bfloat16>(s);
  const auto forward = [=] {
    DeviceActivations<bfloat16> x(p.x, true), w(p.w, true), y(p.y.numel(), true);
    kernels::tensor_core_forward(cuda_test_context(), s, tiling, x, w, y);
    return y.to_tensor(p.y.shape());
  };
  const auto backward_data = [=] {
    DeviceActivations<bfloat16> dy(p.dy, true), w(p.w, true), dx(p.dx.numel(), true);
    kernels::tensor_core_backward_data(cuda_test_context(), s, tiling, dy, w, dx);
    return dx.to_tensor(p.dx.shape());
  };
  const auto backward_weights = [=] {
    DeviceActivations<bfloat16> x(p.x, true), dy(p.dy, true);
    DeviceArray<float> dw(p.dw.numel());
    kernels::tensor_core_backward_weights(cuda_test_context(), s, tiling, x, dy, dw);
    return dw.to_tensor(p.dw.shape());
  };
  const bool is_one_warps = tiling < kernels::kGatherTilings;
  std::vector<Result> results{
      {"forward", p.y, kRoundedTolerance, is_one_warps, forward},
      {"backward data", p.dx, kRoundedTolerance, is_one_warps, backward_data}};
  if (tiling < kernels::weights_tilings(cuda_test_context())) {
    results.push_back({"backward weights", p.dw, kSummedTolerance, false, backward_weights});
  }
  return results;
}

std::string name_of(const Conv2dShape& s, int tiling) {
  return fmt::format("{} x {} x {} x {} to {}, kernel {}, stride {}, tiling {}", s.n, s.h, s.w, s.c,
                     s.k, s.kernel, s.stride, tiling);
}

TEST(Conv2dTensorCoreCuda, EqualsPlainLoopsInAnyOrderOfThreads) {
#if defined(BPTPLR_SIMT)
  const std::uint64_t conflicts = simt::bank_conflicts();
#endif
  // Odd sizes; channels that fill no tile, and such as need several; one pixel.
  for (const Conv2dShape& s : {Conv2dShape{2, 7, 5, 8, 24, 3, 1, 1},
                               {1, 7, 5, 24, 136, 3, 2, 1},
                               {1, 9, 8, 72, 40, 1, 1, 0},
                               {3, 5, 7, 136, 8, 1, 2, 0},
                               {5, 6, 6, 40, 72, 3, 2, 1},
                               {1, 1, 1, 8, 8, 3, 2, 1},
                               {1, 1, 1, 8, 8, 1, 1, 0}}) {
    ASSERT_TRUE(kernels::tensor_cores_can(s));
    std::map<std::string, Tensor> first;
    for (int tiling = 0; tiling < kernels::gather_tilings(cuda_test_context()); ++tiling) {
      for (const Result& result : passes_of(s, tiling)) {
        SCOPED_TRACE(name_of(s, tiling) + ", " + result.pass);
        const auto computed = on_device([&] { return std::vector{result.compute()}; });
        EXPECT_LT(relative_error(computed[0], result.expected), result.tolerance);
        if (!result.same_for_any_tiling) continue;
        EXPECT_TRUE(
            same_bits(computed[0], first.try_emplace(result.pass, computed[0]).first->second));
      }
    }
  }
#if defined(BPTPLR_SIMT)
  EXPECT_EQ(simt::bank_conflicts(), conflicts);
#endif
}

/// The layers of a PreAct-ResNet18 of width 64, on one image.
TEST(Conv2dTensorCoreCuda, EqualsPlainLoopsInPreActResNet18) {
  int tiling = 0;
  for (std::int64_t stage = 0; stage < 4; ++stage) {
    const std::int64_t side = 32 >> stage, channels = 64 << stage;
    std::vector<Conv2dShape> shapes{{1, side, side, channels, channels, 3, 1, 1}};
    if (stage < 3) {
      shapes.push_back({1, side, side, channels, 2 * channels, 3, 2, 1});
      shapes.push_back({1, side, side, channels, 2 * channels, 1, 2, 0});
    }
    for (const Conv2dShape& s : shapes) {
      tiling = (tiling + 1) % kernels::weights_tilings(cuda_test_context());
      for (const Result& result : passes_of(s, tiling)) {
        SCOPED_TRACE(name_of(s, tiling) + ", " + result.pass);
        EXPECT_LT(relative_error(result.compute(), result.expected), result.tolerance);
      }
    }
  }
}

/// A GPU of another kind has no warp groups; a Hopper on which they err would train without them.
TEST(Conv2dTensorCoreCuda, WarpGroupsAgreeWithTheOthersOnAHopper) {
  const char* wanted = std::getenv("BPTPLR_WARP_GROUPS");
  if (wanted != nullptr && std::string_view(wanted) == "0") GTEST_SKIP() << "they are left out";
  cudaDeviceProp properties{};
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  EXPECT_EQ(kernels::warp_groups_can(cuda_test_context()),
            properties.major == 9 && properties.minor == 0);
}

TEST(Conv2dTensorCoreCuda, RefusesWhatItCannot) {
  const Conv2dShape good{2, 8, 8, 16, 16, 3, 1, 1};
  const auto without = [&](auto&& spoil) {
    Conv2dShape s = good;
    spoil(s);
    return s;
  };
  EXPECT_TRUE(kernels::tensor_cores_can(good));
  for (const Conv2dShape& s :
       {without([](auto& bad) { bad.c = 12; }), without([](auto& bad) { bad.k = 3; }),
        without([](auto& bad) { bad.kernel = 5; }), without([](auto& bad) { bad.padding = 0; }),
        without([](auto& bad) { bad.stride = 3; }), without([](auto& bad) { bad.n = 0; }),
        without([](auto& bad) { bad.n = std::int64_t{1} << 21; })}) {
    EXPECT_FALSE(kernels::tensor_cores_can(s));
  }
}

}  // namespace
}  // namespace bptplr
