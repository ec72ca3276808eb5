#include "kernels/augment.hpp"

#include <cmath>

#include "kernels/bfloat16.hpp"
#include "tests/augment_programs.hpp"
#include "tests/cuda/support.hpp"
#if defined(BPTPLR_SIMT)
#include "tests/simt/gpus.hpp"
#endif

namespace bptplr {
namespace {

using kernels::AugmentKind;
using kernels::AugmentOp;
using kernels::AugmentPlan;
using kernels::AugmentProgram;
using kernels::AugmentShape;
using kernels::bfloat16;

constexpr float kMean[3] = {0.4914F, 0.4822F, 0.4465F};
constexpr float kStd[3] = {0.2023F, 0.1994F, 0.2010F};
constexpr int kImages = 3;

const std::vector<double> kFactors{0.0, 0.1, 0.9, 1.0, 1.1, 1.3, 1.9, -0.5, 30.0};
/// Translated by this, the second pixel already lies at an integer that rounding has made.
constexpr double kJustBelowHalf = 0x1.ffffffffffffep-2;

/// Every operation with arguments of both signs, extremes and values between.
const std::vector<std::pair<AugmentKind, std::vector<double>>> kOperations{
    {AugmentKind::kNone, {0.0}},
    {AugmentKind::kShearX, {0.0, 0.1, -0.1, 0.3, -0.3, 1.7, -40.0}},
    {AugmentKind::kShearY, {0.0, 0.1, -0.1, 0.3, -0.3, 1.7, -40.0}},
    {AugmentKind::kTranslateX, {0.0, 0.5, -0.5, kJustBelowHalf, 3.3, -14.5, 14.5, 1e9, -1e9}},
    {AugmentKind::kTranslateY, {0.0, 0.5, -0.5, kJustBelowHalf, 3.3, -14.5, 14.5, 1e9, -1e9}},
    {AugmentKind::kRotate, {0.0, 7.3, -7.3, 30.0, 45.0, 90.0, -90.0, 180.0, 359.9, -720.5}},
    {AugmentKind::kColor, kFactors},
    {AugmentKind::kContrast, kFactors},
    {AugmentKind::kSharpness, kFactors},
    {AugmentKind::kBrightness, kFactors},
    {AugmentKind::kPosterize, {1.0, 4.0, 5.0, 8.0}},
    {AugmentKind::kSolarize, {-1.0, 0.0, 28.4, 128.0, 256.0, 300.0}},
    {AugmentKind::kAutoContrast, {0.0}},
    {AugmentKind::kEqualize, {0.0}},
    {AugmentKind::kInvert, {0.0}},
};

struct Request {
  AugmentShape shape;
  std::vector<std::uint8_t> pixels;
  std::vector<std::int64_t> indices;
  std::vector<AugmentPlan> plans;

  std::vector<AugmentProgram> programs() const {
    return programs_of(plans, shape.crop_height, shape.crop_width);
  }
  std::int64_t numel() const { return shape.count * shape.crop_height * shape.crop_width * 3; }
  Shape tensor_shape() const { return {shape.count, shape.crop_height, shape.crop_width, 3}; }
};

struct Side {
  int height, width;
};

/// Plans for three images: noise over all values, noise over few values with a rare extreme, and a
/// single colour.
Request request(Side image, Side crop, std::vector<AugmentPlan> plans) {
  Request made{{std::ssize(plans), image.height, image.width, crop.height, crop.width},
               {},
               {},
               std::move(plans)};
  Philox random(1, Purpose::kTest, 3);
  const std::uint32_t per_image = static_cast<std::uint32_t>(image.height * image.width * 3);
  for (std::uint32_t i = 0; i < kImages * per_image; ++i) {
    const std::uint32_t few = random.below(100) == 0 ? 230 : 90 + random.below(40);
    const std::uint32_t value[kImages] = {random.below(256), few, 40 + i % 3};
    made.pixels.push_back(static_cast<std::uint8_t>(value[i / per_image]));
  }
  for (std::size_t i = 0; i < made.plans.size(); ++i) made.indices.push_back((2 * i + 1) % kImages);
  return made;
}

Tensor on_cpu(const Request& request) {
  Tensor out = Tensor::empty(request.tensor_shape(), DType::kUint8);
  kernels::augment_batch(cpu_context(), request.shape, request.pixels.data(),
                         request.indices.data(), request.programs().data(),
                         out.data<std::uint8_t>());
  return out;
}

/// What the device makes of a request, with pixels and results `offset` elements away from where
/// they would be aligned.
template <class T>
Tensor on_gpu(const Request& request, int offset = 0) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(offset));
  pixels.insert(pixels.end(), request.pixels.begin(), request.pixels.end());
  DeviceArray<std::uint8_t> dev_pixels(pixels);
  DeviceArray<std::int64_t> dev_indices(request.indices);
  DeviceArray<AugmentProgram> dev_programs(request.programs());
  DeviceArray<T> out(request.numel() + offset);
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    kernels::augment_batch(cuda_test_context(), request.shape, dev_pixels.get() + offset,
                           dev_indices, dev_programs, out.get() + offset);
  } else {
    kernels::augment_batch(cuda_test_context(), request.shape, dev_pixels.get() + offset,
                           dev_indices, dev_programs, kMean, kStd, out.get() + offset);
  }
  const std::vector<T> all = out.to_host();
  if constexpr (std::is_same_v<T, bfloat16>) {
    return Tensor::from(std::vector<float>(all.begin() + offset, all.end()),
                        request.tensor_shape());
  } else {
    return Tensor::from(std::vector<T>(all.begin() + offset, all.end()), request.tensor_shape());
  }
}

void expect_the_cpus_bytes(const Request& request, int offset = 0) {
  const Tensor expected = on_cpu(request);
  const Tensor made =
      on_device([&] { return std::vector{on_gpu<std::uint8_t>(request, offset)}; })[0];
  const std::int64_t bytes = request.shape.count == 0 ? 0 : request.numel() / request.shape.count;
  for (std::int64_t i = 0; i < request.shape.count; ++i) {
    const AugmentPlan& plan = request.plans[static_cast<std::size_t>(i)];
    EXPECT_EQ(
        std::memcmp(made.data<std::uint8_t>() + i * bytes,
                    expected.data<std::uint8_t>() + i * bytes, static_cast<std::size_t>(bytes)),
        0)
        << "kinds " << static_cast<int>(plan.ops[0].kind) << ", "
        << static_cast<int>(plan.ops[1].kind) << "; arguments " << plan.ops[0].argument << ", "
        << plan.ops[1].argument;
  }
}

/// Compares floats; returns the CPU's.
Tensor expect_the_cpus_floats(const Request& request, int offset = 0) {
  Tensor expected = Tensor::empty(request.tensor_shape());
  kernels::augment_batch(cpu_context(), request.shape, request.pixels.data(),
                         request.indices.data(), request.programs().data(), kMean, kStd,
                         expected.data<float>());
  const auto made = on_device([&] { return std::vector{on_gpu<float>(request, offset)}; });
  EXPECT_TRUE(same_bits(made[0], expected));
  return expected;
}

/// Each operation on each of the three images.
std::vector<AugmentPlan> one_operation_each() {
  std::vector<AugmentPlan> plans;
  for (const auto& [kind, arguments] : kOperations) {
    for (const double argument : arguments) {
      for (int image = 0; image < kImages; ++image) {
        plans.emplace_back().ops[plans.size() % 2] = {kind, argument};
      }
    }
  }
  return plans;
}

/// Crops beside, across and, where they are smaller, within the image.
std::vector<AugmentPlan> random_plans(int count, Side image) {
  const auto [height, width] = image;
  Philox random(1, Purpose::kTest, 4);
  const auto below = [&](std::size_t n) { return random.below(static_cast<std::uint32_t>(n)); };
  std::vector<AugmentPlan> plans(static_cast<std::size_t>(count));
  for (AugmentPlan& plan : plans) {
    plan.crop_x = static_cast<int>(below(2 * width + 3)) - width - 1;
    plan.crop_y = static_cast<int>(below(height / 8 + 5)) - std::min(4, height);
    plan.flip = below(2) == 1;
    for (AugmentOp& op : plan.ops) {
      const auto& [kind, arguments] = kOperations[below(kOperations.size())];
      op = {kind, arguments[below(arguments.size())]};
    }
  }
  return plans;
}

struct Sizes {
  Side image, crop;
};

class AugmentCuda : public testing::TestWithParam<Sizes> {};

TEST_P(AugmentCuda, EveryOperationGivesTheCpusBytes) {
  const auto [image, crop] = GetParam();
  expect_the_cpus_bytes(request(image, crop, one_operation_each()));
}

TEST_P(AugmentCuda, RandomPlansGiveTheCpusBytes) {
  const auto [image, crop] = GetParam();
  expect_the_cpus_bytes(request(image, crop, random_plans(20, image)));
}

TEST_P(AugmentCuda, NormalisesAsTheCpuDoes) {
  const auto [image, crop] = GetParam();
  const Request asked = request(image, crop, random_plans(4, image));
  for (const int offset : {0, 1}) {
    const Tensor floats = expect_the_cpus_floats(asked, offset);
    const auto made = on_device([&] { return std::vector{on_gpu<bfloat16>(asked, offset)}; });
    for (std::int64_t i = 0; i < asked.numel(); ++i) {
      ASSERT_EQ(made[0].data<float>()[i], static_cast<float>(bfloat16(floats.data<float>()[i])));
    }
  }
}

/// Its 114 KiB twice are more than a block's shared memory, so it is cropped where it lies.
constexpr Side kLarge{150, 260};

INSTANTIATE_TEST_SUITE_P(SameSize, AugmentCuda,
                         testing::Values(Sizes{{1, 1}, {1, 1}}, Sizes{{5, 7}, {5, 7}},
                                         Sizes{{32, 32}, {32, 32}}, Sizes{{33, 31}, {33, 31}},
                                         Sizes{{64, 64}, {64, 64}}));
INSTANTIATE_TEST_SUITE_P(OtherSize, AugmentCuda,
                         testing::Values(Sizes{{36, 40}, {32, 32}}, Sizes{{9, 70}, {14, 23}},
                                         Sizes{{88, 88}, {5, 7}}, Sizes{kLarge, {24, 40}}));

TEST(AugmentCudaBatch, UnalignedPixelsGiveTheSameBytes) {
  expect_the_cpus_bytes(request({32, 32}, {32, 32}, random_plans(3, {32, 32})), 1);
}

TEST(AugmentCudaBatch, CropsBeyondSharedMemoryGiveTheSameBytes) {
  constexpr Side kCrop{200, 200};
  std::vector<AugmentPlan> plans{{3, -5, false, {}}};
  plans[0].ops = {{{AugmentKind::kRotate, 30.0}, {AugmentKind::kEqualize, 0.0}}};
  expect_the_cpus_bytes(request(kCrop, kCrop, plans));
  expect_the_cpus_bytes(request({9, 11}, kCrop, plans));
}

TEST(AugmentCudaBatch, MoreImagesThanBlocksTakeTurns) {
  constexpr int kCount = 540;
  for (const Side image : {Side{4, 8}, kLarge}) {
    expect_the_cpus_floats(request(image, {4, 8}, random_plans(kCount, image)));
  }
}

#if defined(BPTPLR_SIMT)
/// Squares around those that two buffers of a block can hold on the GPUs there are: 99, 163 and 227
/// KiB, less what is static.
TEST(AugmentCudaBatch, EveryGpuMakesTheSameBytes) {
  for (const simt::Gpu& gpu : kGpus) {
    const SimulatedGpu simulated(gpu);
    for (const int side : {127, 128, 165, 166, 184, 195, 196}) {
      std::vector<AugmentPlan> plans{{1, 2, true, {}}};
      plans[0].ops[0] = {AugmentKind::kTranslateX, 3.0};
      const Request asked = request({side, side}, {side, side}, plans);
      const Tensor expected = on_cpu(asked);
      EXPECT_TRUE(same_bits(on_gpu<std::uint8_t>(asked), expected))
          << side << " pixels, sm_" << gpu.major << gpu.minor;
    }
  }
}
#endif

TEST(AugmentCudaBatch, AnEmptyBatchIsNothing) {
  expect_the_cpus_bytes(request({32, 32}, {32, 32}, {}));
}

TEST(AugmentCudaProgram, TranslationsCarryPillowsRounding) {
  constexpr int kLength = 300;
  const double tiny = std::ldexp(1.0, -53);
  std::vector<double> offsets{0.5 - tiny, -0.5 - tiny, -1.5 - 2 * tiny, -40.5 - 64 * tiny,
                              1e300,      -1e300,      -299.5,          298.5};
  Philox random(1, Purpose::kTest, 5);
  for (int i = 0; i < 200; ++i) {
    const double whole = static_cast<int>(random.below(80)) - 40 - 0.5;
    offsets.push_back(whole - std::ldexp(1.0, -40 - static_cast<int>(random.below(16))));
  }
  int jumps = 0;
  for (const double offset : offsets) {
    AugmentPlan plan;
    plan.ops[1] = {AugmentKind::kTranslateY, offset};
    const auto [shift, jump] = kernels::prepare(plan, kLength, 7).steps[1].translation;
    double position = offset + 0.5;
    for (int i = 0; i < kLength; ++i, position += 1.0) {
      const bool inside = position >= 0.0 && position < kLength;
      const int from = i + shift + (i >= jump ? 1 : 0);
      ASSERT_EQ(from >= 0 && from < kLength, inside) << offset << " at " << i;
      if (!inside) continue;
      ASSERT_EQ(from, static_cast<int>(position)) << offset << " at " << i;
    }
    if (jump > 0 && jump < kLength) ++jumps;
  }
  EXPECT_GT(jumps, 20);
}

}  // namespace
}  // namespace bptplr
