// A GPU without room, and a library that finds less of it than it would like.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/dispatch.hpp"
#include "kernels/cuda/libraries/algorithm_choice.hpp"
#include "kernels/cuda/runtime/launch.hpp"
#include "tests/device.hpp"

namespace bptplr {
namespace {

using kernels::Algorithm;
using kernels::choose_algorithm;

constexpr std::size_t kMib = 1 << 20;

TEST(CudaErrors, AThrownErrorIsNotReportedAgain) {
  void* memory = nullptr;
  EXPECT_THROW(kernels::check(cudaMalloc(&memory, std::size_t{1} << 50), "in a test"),
               kernels::CudaError);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(AlgorithmChoice, PrefersDeterministicOnesOfTheArithmeticThatWasAskedFor) {
  const Algorithm fails{false, 0, true, true}, large{true, 3 * kMib, true, true},
      rounding{true, 0, true, false}, unordered{true, 0, false, true}, right{true, 0, true, true};
  const auto chosen = [](std::vector<Algorithm> all, bool only_those = false) {
    return choose_algorithm(all, 2 * kMib, only_those);
  };
  EXPECT_EQ(chosen({fails, large, rounding, unordered, right, right}), 4U);
  EXPECT_EQ(chosen({fails, large, rounding, unordered}), 3U) << "better than none";
  EXPECT_EQ(chosen({fails, large, rounding, unordered}, true), std::nullopt);
  EXPECT_EQ(chosen({rounding, unordered, right}, true), 2U);
  EXPECT_EQ(chosen({}), std::nullopt);
}

/// Some versions of cuDNN name other arithmetic, or none, for what they were asked to do exactly.
TEST(AlgorithmChoice, TakesWhatThereIsWhereNoneCountsAsExact) {
  const Algorithm fails{false, 0, true, true}, unordered{true, 0, false, false},
      ordered{true, 0, true, false};
  EXPECT_EQ(choose_algorithm(std::vector{fails, unordered, ordered}, kMib, false), 2U);
  EXPECT_EQ(choose_algorithm(std::vector{fails, unordered}, kMib, false), 1U);
}

/// Has so many bytes.
class SmallWorkspace final : public kernels::Workspace {
 public:
  explicit SmallWorkspace(std::size_t room) : room_(room) {}
  void* reserve(std::size_t bytes) override {
    if (bytes > room_) throw kernels::OutOfDeviceMemory(bytes);
    return this;
  }

 private:
  std::size_t room_;
};

TEST(ScratchMemory, IsAsLargeAsTheGpuHasRoomFor) {
  for (const auto& [room, expected] : {std::pair{999 * kMib, 256 * kMib},
                                       {256 * kMib, 256 * kMib},
                                       {255 * kMib, 64 * kMib},
                                       {2 * kMib, kMib},
                                       {kMib - 1, {}}}) {
    SmallWorkspace workspace(room);
    std::size_t offered = 1;
    kernels::with_scratch({nullptr, &workspace}, 256 * kMib, [&](void* memory, std::size_t bytes) {
      offered = bytes;
      EXPECT_EQ(memory != nullptr, bytes > 0);
    });
    EXPECT_EQ(offered, expected);
  }
}

#if defined(BPTPLR_SIMT)
TEST(OutOfMemoryCuda, EndsInASentence) {
  const Tensor x = Tensor::zeros({8, 200'000}, DType::kFloat32, test_device());
  simt::set_gpu({.memory_bytes = simt::device_bytes_in_use() + 100});
  const auto expect_sentence = [](const std::function<void()>& work) {
    try {
      work();
      ADD_FAILURE();
    } catch (const OutOfMemory& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("the GPU is out of memory: "))
          << error.what();
    }
  };
  expect_sentence([&] { x.clone(); });
  expect_sentence(
      [] { on_device(test_device(), [](const auto& ctx) { ctx.workspace->reserve(64 * kMib); }); });
  simt::set_gpu({});
}
#endif

}  // namespace
}  // namespace bptplr
