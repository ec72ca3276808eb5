#include "kernels/augment.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <map>
#include <string>
#include <vector>

#include "engine/memory.hpp"
#include "engine/random.hpp"
#include "tests/augment_programs.hpp"
#include "tests/golden.hpp"

namespace bptplr {
namespace {

using kernels::AugmentKind;
using kernels::AugmentPlan;
using kernels::AugmentProgram;
using kernels::AugmentShape;

const std::map<std::string, AugmentKind> kKinds{
    {"shear_x", AugmentKind::kShearX},         {"shear_y", AugmentKind::kShearY},
    {"translate_x", AugmentKind::kTranslateX}, {"translate_y", AugmentKind::kTranslateY},
    {"rotate", AugmentKind::kRotate},          {"color", AugmentKind::kColor},
    {"contrast", AugmentKind::kContrast},      {"sharpness", AugmentKind::kSharpness},
    {"brightness", AugmentKind::kBrightness},  {"posterize", AugmentKind::kPosterize},
    {"solarize", AugmentKind::kSolarize},      {"auto_contrast", AugmentKind::kAutoContrast},
    {"equalize", AugmentKind::kEqualize},      {"invert", AugmentKind::kInvert},
};

/// The view of `image` [h,w,3] that each plan asks for: [plans, h, w, 3].
std::vector<std::uint8_t> make(const Tensor& image, const std::vector<AugmentPlan>& plans) {
  const std::vector<std::int64_t> indices(plans.size(), 0);
  std::vector<std::uint8_t> out(plans.size() * static_cast<std::size_t>(image.numel()));
  const auto height = static_cast<int>(image.size(0));
  const auto width = static_cast<int>(image.size(1));
  const AugmentShape shape{std::ssize(plans), height, width, height, width};
  kernels::augment_batch(cpu_context(), shape, image.data<std::uint8_t>(), indices.data(),
                         programs_of(plans, height, width).data(), out.data());
  return out;
}

std::vector<std::uint8_t> bytes(const Tensor& tensor) {
  const auto span = tensor.span<std::uint8_t>();
  return {span.begin(), span.end()};
}

TEST(Augment, EveryOperationGivesPillowsBytes) {
  const Golden golden("augment");
  int compared = 0;
  for (const auto& [name, kind] : kKinds) {
    const std::string prefix = "op/" + name + "/";
    const auto arguments = golden[prefix + "argument"].span<double>();
    std::vector<AugmentPlan> plans(arguments.size());
    for (std::size_t i = 0; i < plans.size(); ++i) plans[i].ops[i % 2] = {kind, arguments[i]};
    for (const std::string& image : golden.cases("op/" + name)) {
      if (image == "argument") continue;
      EXPECT_EQ(make(golden["image/" + image], plans), bytes(golden[prefix + image]))
          << name << " of " << image;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 14 * 8 + 2);
}

TEST(Augment, CropsOutOfZerosAndFlips) {
  const Golden golden("augment");
  const Tensor& rows = golden["crop/plan"];
  std::vector<AugmentPlan> plans;
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const std::int64_t* row = rows.data<std::int64_t>() + 3 * i;
    plans.push_back({static_cast<int>(row[0]), static_cast<int>(row[1]), row[2] == 1, {}});
  }
  for (const std::string& image : std::vector<std::string>{"natural", "odd", "tiny"}) {
    EXPECT_EQ(make(golden["image/" + image], plans), bytes(golden["crop/" + image])) << image;
  }
}

TEST(Augment, ACropBeyondTheImageIsZero) {
  const std::vector<std::uint8_t> pixels(5 * 4 * 3, 7);
  const Tensor image = Tensor::from(pixels, {5, 4, 3});
  for (const auto& [x, y] : {std::pair{4, 0}, {-4, 0}, {0, 5}, {0, -5}, {9, 9}, {-90, 2}}) {
    const AugmentPlan plan{x, y, true, {}};
    EXPECT_EQ(make(image, {plan}), std::vector<std::uint8_t>(pixels.size(), 0));
  }
}

TEST(Augment, NormalisesByChannel) {
  std::vector<std::uint8_t> pixels(256 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i / 3);
  const float mean[3] = {0.4914F, 0.5F, 0.0F};
  const float std[3] = {0.2023F, 0.25F, 1.0F};
  const std::int64_t index = 0;
  const AugmentProgram program = kernels::prepare({}, 16, 16);
  std::vector<float> out(pixels.size());
  kernels::augment_batch(cpu_context(), {1, 16, 16, 16, 16}, pixels.data(), &index, &program, mean,
                         std, out.data());
  std::vector<double> doubles(pixels.size());
  kernels::augment_batch(cpu_context(), {1, 16, 16, 16, 16}, pixels.data(), &index, &program, mean,
                         std, doubles.data());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto pixel = static_cast<float>(pixels[i]);
    EXPECT_EQ(out[i], (pixel / 255.0F - mean[i % 3]) / std[i % 3]);
    EXPECT_EQ(doubles[i], static_cast<double>(out[i]));
  }
}

TEST(Augment, CropsOfAnotherSizeThanTheImage) {
  struct Size {
    int height, width;
  };
  // Beside, within and around the image; on the stack and, with a side of 70, in scratch memory.
  for (const Size image : {Size{9, 5}, Size{6, 90}}) {
    for (const Size crop : {Size{1, 1}, Size{4, 3}, Size{12, 5}, Size{3, 70}}) {
      std::vector<std::uint8_t> pixels(static_cast<std::size_t>(image.height * image.width * 3));
      for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i + 1);
      for (const auto& [x, y] : {std::pair{0, 0}, {2, 1}, {-2, -1}, {4, 7}, {-80, 0}}) {
        for (const bool flip : {false, true}) {
          const std::int64_t index = 0;
          const AugmentProgram program =
              kernels::prepare({x, y, flip, {}}, crop.height, crop.width);
          std::vector<std::uint8_t> out(static_cast<std::size_t>(crop.height * crop.width * 3));
          kernels::augment_batch(cpu_context(),
                                 {1, image.height, image.width, crop.height, crop.width},
                                 pixels.data(), &index, &program, out.data());
          for (int i = 0; i < std::ssize(out); ++i) {
            const int column = i / 3 % crop.width;
            const int from_x = (flip ? crop.width - 1 - column : column) + x;
            const int from_y = i / 3 / crop.width + y;
            const bool inside =
                from_x >= 0 && from_x < image.width && from_y >= 0 && from_y < image.height;
            const int expected =
                inside ? ((from_y * image.width + from_x) * 3 + i % 3 + 1) % 256 : 0;
            ASSERT_EQ(out[static_cast<std::size_t>(i)], expected) << i;
          }
        }
      }
    }
  }
}

TEST(Augment, TakesTheIndexedImagesForAnyNumberOfThreads) {
  constexpr int kSide = 90;
  constexpr int kCrop = 80;  // above the size that is worked on in the stack
  constexpr std::int64_t kImageBytes = kSide * kSide * 3;
  constexpr std::int64_t kBytes = kCrop * kCrop * 3;
  constexpr std::int64_t kImages = 3;
  Philox random(5, Purpose::kTest);
  std::vector<std::uint8_t> pixels(kImages * kImageBytes);
  for (auto& p : pixels) p = static_cast<std::uint8_t>(random.next());
  const std::vector<std::int64_t> indices{2, 0, 2, 1, 1};
  std::vector<AugmentPlan> plans(indices.size());
  for (std::size_t i = 0; i < plans.size(); ++i) {
    plans[i] = {static_cast<int>(i), -2, i % 2 == 0, {}};
    plans[i].ops = {
        {{AugmentKind::kRotate, 10.0 * static_cast<double>(i)}, {AugmentKind::kEqualize, 0.0}}};
  }
  const std::vector<AugmentProgram> programs = programs_of(plans, kCrop, kCrop);
  const auto view = [&](std::size_t i, std::int64_t count, std::uint8_t* out) {
    kernels::augment_batch(cpu_context(), {count, kSide, kSide, kCrop, kCrop}, pixels.data(),
                           &indices[i], &programs[i], out);
  };
  std::vector<std::uint8_t> one_by_one(indices.size() * kBytes);
  for (std::size_t i = 0; i < indices.size(); ++i) view(i, 1, &one_by_one[i * kBytes]);
  const int threads = omp_get_max_threads();
  for (const int n : {1, 2, 5}) {
    omp_set_num_threads(n);
    std::vector<std::uint8_t> together(one_by_one.size());
    view(0, static_cast<std::int64_t>(indices.size()), together.data());
    EXPECT_EQ(together, one_by_one) << n << " threads";
  }
  omp_set_num_threads(threads);
}

TEST(Augment, AnEmptyBatchIsNothing) {
  kernels::augment_batch(cpu_context(), {0, 32, 32, 24, 24}, nullptr, nullptr, nullptr,
                         static_cast<std::uint8_t*>(nullptr));
}

}  // namespace
}  // namespace bptplr
