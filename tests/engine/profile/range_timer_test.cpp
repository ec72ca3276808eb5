// What a RangeTimer makes of nested ranges, on the CPU and (in test_cuda) by events on a stream;
// how much work shapes come to.
#include "engine/profile/range_timer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "engine/error.hpp"
#include "engine/ops.hpp"
#include "engine/profile/peaks.hpp"
#include "engine/profile/work.hpp"
#include "tests/device.hpp"
#include "tests/tensor_ops.hpp"

namespace bptplr {
namespace {

void wait(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

/// outer { inner {} inner { leaf {} } } alone {}
void some_ranges() {
  {
    const Range outer("outer", {1.0, 2.0});
    { const Range inner("inner", {10.0, 20.0}); }
    const Range inner("inner", {100.0, 200.0});
    const Range leaf("leaf");
  }
  const Range alone("alone");
}

TEST(RangeTimer, ListsRangesWithTheirParentsAndWork) {
  RangeTimer timer(test_device());
  some_ranges();
  const std::vector<TimedRange> ranges = timer.take();
  ASSERT_EQ(ranges.size(), 5U);
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < ranges.size(); ++i) paths.push_back(path_of(ranges, i));
  EXPECT_EQ(paths, (std::vector<std::string>{"outer", "outer/inner", "outer/inner",
                                             "outer/inner/leaf", "alone"}));
  EXPECT_EQ(ranges[2].parent, 0);
  EXPECT_EQ(ranges[2].work.operations, 100.0);
  EXPECT_EQ(ranges[4].parent, -1);
  EXPECT_TRUE(timer.take().empty()) << "they were forgotten";
}

TEST(RangeTimer, OwnTimesAddUpToThatOfTheOutermost) {
  RangeTimer timer(test_device());
  some_ranges();
  const std::vector<TimedRange> ranges = timer.take();
  double own = 0.0;
  double outermost = 0.0;
  for (const TimedRange& range : ranges) {
    EXPECT_GE(range.own_seconds, 0.0) << range.name;
    EXPECT_LE(range.own_seconds, range.seconds) << range.name;
    own += range.own_seconds;
    if (range.parent < 0) outermost += range.seconds;
  }
  EXPECT_GT(outermost, 0.0);
  EXPECT_NEAR(own, outermost, 1e-9);
}

TEST(RangeTimer, PathsAddUpTheirRanges) {
  RangeTimer timer(test_device());
  some_ranges();
  const std::vector<TimedRange> ranges = timer.take();
  const auto paths = by_path(ranges);
  ASSERT_EQ(paths.size(), 4U);
  const PathTime& inner = paths.at("outer/inner");
  EXPECT_EQ(inner.calls, 2);
  EXPECT_EQ(inner.work.operations, 110.0);
  EXPECT_EQ(inner.work.bytes, 220.0);
  EXPECT_DOUBLE_EQ(inner.seconds, ranges[1].seconds + ranges[2].seconds);
}

TEST(RangeTimer, HearsNothingBeforeAndAfterItLives) {
  some_ranges();
  {
    RangeTimer timer(test_device());
    EXPECT_TRUE(timer.take().empty());
    EXPECT_THROW(RangeTimer{test_device()}, Error) << "one at a time";
  }
  EXPECT_EQ(range_listener, nullptr);
  some_ranges();
  RangeTimer timer(test_device());
  EXPECT_TRUE(timer.take().empty());
}

TEST(RangeTimer, CannotBeAskedInsideOfARange) {
  RangeTimer timer(test_device());
  const Range open("open");
  EXPECT_THROW(timer.take(), Error);
}

TEST(RangeTimer, HearsTheRangesOfItsOwnThreadOnly) {
  RangeTimer timer(test_device());
  std::thread(some_ranges).join();
  EXPECT_TRUE(timer.take().empty());
}

TEST(RangeTimer, TakesTheHostsTimeOnTheCpu) {
  RangeTimer timer(Device{});
  {
    const Range outer("outer");
    wait(20);
    const Range inner("inner");
    wait(40);
  }
  const std::vector<TimedRange> ranges = timer.take();
  EXPECT_GE(ranges[0].seconds, 0.060);
  EXPECT_GE(ranges[0].own_seconds, 0.020);
  EXPECT_GE(ranges[1].own_seconds, 0.040);
  EXPECT_NEAR(ranges[0].own_seconds, ranges[0].seconds - ranges[1].seconds, 1e-9);
}

TEST(RangeTimer, LayersSayWhatTheyDo) {
  const Device device = test_device();
  const Tensor x = Tensor::full({2, 5, 5, 3}, 1.0).to(device).set_requires_grad(true);
  const Tensor w = Tensor::full({4, 3, 3, 3}, 1.0).to(device).set_requires_grad(true);
  const Tensor heads = Tensor::full({7, 4}, 1.0).to(device).set_requires_grad(true);
  RangeTimer timer(device);
  const Tensor y = linear(global_avg_pool2d(conv2d(x, w, 2, 1)), heads, {});
  backward(sum(y));
  const auto paths = by_path(timer.take());
  // 2 images of 3 x 3 outputs with 4 channels, from 3 x 3 x 3 inputs each.
  EXPECT_EQ(paths.at("conv2d").work.operations, 2.0 * 2 * 9 * 4 * 27);
  EXPECT_EQ(paths.at("conv2d").work.bytes, 4.0 * (2 * 25 * 3 + 2 * 9 * 4 + 4 * 27));
  EXPECT_EQ(paths.at("backward/conv2d backward data").work.operations, 3888.0);
  EXPECT_EQ(paths.at("backward/conv2d backward weights").work.operations, 3888.0);
  EXPECT_EQ(paths.at("linear").work.operations, 2.0 * 2 * 4 * 7);
  EXPECT_EQ(paths.at("linear").work.bytes, 4.0 * (2 * 4 + 2 * 7 + 4 * 7));
  EXPECT_EQ(paths.at("backward/linear backward").work.operations, 2.0 * 2.0 * 2 * 4 * 7);
  EXPECT_EQ(paths.at("pool").work.bytes, 4.0 * (2 * 9 * 4 + 2 * 4));
}

TEST(Work, CountsTypesByTheirSize) {
  EXPECT_EQ(moved(10, DType::kBfloat16).bytes, 20.0);
  const kernels::Conv2dShape shape{1, 4, 4, 2, 3, 1, 1, 0};
  const Work work = conv2d_work(shape, DType::kBfloat16, DType::kFloat32);
  EXPECT_EQ(work.operations, 2.0 * 16 * 2 * 3);
  EXPECT_EQ(work.bytes, 2.0 * (32 + 48) + 4.0 * 6);
}

TEST(Peaks, AreMeasuredAndBoundWork) {
  PeakOptions small;
  small.smallest_product = small.largest_product = 32;
  small.copy_bytes = 1 << 16;
  small.least_seconds = 1e-4;
  const Peaks measured = measure_peaks(test_device(), DType::kFloat32, small);
  EXPECT_GT(measured.operations_per_s, 0.0);
  EXPECT_GT(measured.bytes_per_s, 0.0);
  const Peaks peaks{100.0, 10.0};
  EXPECT_EQ(peaks.floor_seconds({200.0, 10.0}), 2.0);
  EXPECT_EQ(peaks.floor_seconds({200.0, 30.0}), 3.0);
}

}  // namespace
}  // namespace bptplr
