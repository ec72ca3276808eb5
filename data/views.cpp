#include "data/views.hpp"

#include <vector>

#include "data/autoaugment.hpp"
#include "engine/error.hpp"
#include "engine/memory.hpp"

namespace bptplr {
namespace {

constexpr int kPadding = 4;

int draw_shift(Philox& random) {
  return static_cast<int>(random.below(2 * kPadding + 1)) - kPadding;
}

}  // namespace

kernels::AugmentPlan draw_plan(View view, int height, int width, Philox& random) {
  kernels::AugmentPlan plan;
  if (view == View::kTest) return plan;
  plan.crop_x = draw_shift(random);
  plan.crop_y = draw_shift(random);
  plan.flip = random.below(2) == 1;
  if (view == View::kStrong) plan.ops = draw_cifar10_policy(random, height, width);
  return plan;
}

void make_views(const Images& images, std::span<const std::int64_t> indices, View view,
                const ViewStream& stream, std::span<const float, 3> mean,
                std::span<const float, 3> std, float* out) {
  std::vector<kernels::AugmentPlan> plans;
  plans.reserve(indices.size());
  for (const std::int64_t index : indices) {
    require(index >= 0 && index < images.count,
            "a view was asked of image {}, but there are {} images (0 to {}); pass indices of this "
            "split",
            index, images.count, images.count - 1);
    Philox random(stream.seed, Purpose::kAugment, stream.epoch, static_cast<std::uint32_t>(index),
                  stream.draw);
    plans.push_back(draw_plan(view, images.height, images.width, random));
  }
  const kernels::AugmentShape shape{static_cast<std::int64_t>(indices.size()), images.height,
                                    images.width};
  kernels::augment_batch(cpu_context(), shape, images.pixels.data(), indices.data(), plans.data(),
                         mean.data(), std.data(), out);
}

}  // namespace bptplr
