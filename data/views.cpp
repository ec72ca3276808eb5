#include "data/views.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "data/autoaugment.hpp"
#include "data/prefetch.hpp"
#include "engine/dispatch.hpp"
#include "engine/memory.hpp"
#include "engine/profile/range.hpp"
#include "engine/profile/work.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {
namespace {

/// Draws the start of a crop on an axis of `side` pixels, which must have room for the crop.
int draw_offset(int side, int crop, int padding, Philox& random) {
  return static_cast<int>(random.below(static_cast<std::uint32_t>(side + 2 * padding - crop + 1))) -
         padding;
}

bool keeps_images(Device device, ImageMemory memory, std::size_t bytes) {
  if (device.type == DeviceType::kCpu || memory == ImageMemory::kHost) return false;
  return memory == ImageMemory::kDevice ||
         bytes <= kernels::device_memory_use(cuda_context(device)).available / 2;
}

/// Draws plans for views of `samples`, whose images have the size of `images`.
std::vector<kernels::AugmentPlan> draw_plans(const Images& images,
                                             std::span<const std::int64_t> samples, View view,
                                             const ViewStream& stream,
                                             const ViewGeometry& geometry) {
  std::vector<kernels::AugmentPlan> plans;
  plans.reserve(samples.size());
  for (const std::int64_t sample : samples) {
    Philox random(stream.seed, Purpose::kAugment, stream.epoch, static_cast<std::uint32_t>(sample),
                  stream.draw);
    plans.push_back(draw_plan(view, images.height, images.width, geometry, random));
  }
  return plans;
}

/// Returns the shape of `count` views of the images.
kernels::AugmentShape shape_of(const Images& images, const ViewGeometry& geometry,
                               std::int64_t count) {
  return {count, images.height, images.width, geometry.side(images.height),
          geometry.side(images.width)};
}

/// The bytes of the programs of `plans`, on the CPU.
Tensor programs_of(std::span<const kernels::AugmentPlan> plans,
                   const kernels::AugmentShape& shape) {
  std::vector<kernels::AugmentProgram> programs;
  programs.reserve(plans.size());
  for (const kernels::AugmentPlan& plan : plans) {
    programs.push_back(kernels::prepare(plan, shape.crop_height, shape.crop_width));
  }
  return Tensor::from_bytes(std::as_bytes(std::span(programs)), Device{});
}

}  // namespace

void ViewGeometry::check(int height, int width) const {
  require(padding >= 0 && crop >= 0 && crop <= std::min(height, width) + 2 * padding,
          "a crop of {0} x {0} pixels does not fit into images of {1} x {2} with {3} of padding; "
          "choose a smaller --crop or a larger --crop_padding",
          crop, height, width, padding);
}

kernels::AugmentPlan draw_plan(View view, int height, int width, const ViewGeometry& geometry,
                               Philox& random) {
  const int crop_height = geometry.side(height);
  const int crop_width = geometry.side(width);
  kernels::AugmentPlan plan;
  if (view == View::kTest) {
    plan.crop_x = (width - crop_width) / 2;
    plan.crop_y = (height - crop_height) / 2;
    return plan;
  }
  plan.crop_x = draw_offset(width, crop_width, geometry.padding, random);
  plan.crop_y = draw_offset(height, crop_height, geometry.padding, random);
  plan.flip = random.below(2) == 1;
  if (view == View::kStrong) plan.ops = draw_cifar10_policy(random, crop_height, crop_width);
  return plan;
}

Tensor make_pixels(const Images& images, std::span<const std::int64_t> samples, View view,
                   const ViewStream& stream, const ViewGeometry& geometry) {
  geometry.check(images.height, images.width);
  require(std::ssize(samples) == images.count,
          "views were asked of {} images with {} sample numbers; there must be one an image",
          images.count, samples.size());
  const kernels::AugmentShape shape = shape_of(images, geometry, images.count);
  const Tensor programs = programs_of(draw_plans(images, samples, view, stream, geometry), shape);
  std::vector<std::int64_t> rows(samples.size());
  std::iota(rows.begin(), rows.end(), 0);
  Tensor pixels =
      Tensor::empty({shape.count, shape.crop_height, shape.crop_width, 3}, DType::kUint8);
  kernels::augment_batch(cpu_context(), shape, images.pixels.data(), rows.data(),
                         static_cast<const kernels::AugmentProgram*>(programs.raw()),
                         pixels.data<std::uint8_t>());
  return pixels;
}

ViewMaker::ViewMaker(const Images& images, std::span<const float, 3> mean,
                     std::span<const float, 3> std, const ViewGeometry& geometry, Device device,
                     DType dtype, ImageMemory memory)
    : images_(images), geometry_(geometry), device_(device), dtype_(dtype) {
  geometry.check(images.height, images.width);
  std::copy(mean.begin(), mean.end(), mean_.begin());
  std::copy(std.begin(), std.end(), std_.begin());
  if (keeps_images(device, memory, images.pixels.size())) {
    pixels_ = Tensor::from_bytes(std::as_bytes(images.pixels), device);
  }
}

Tensor ViewMaker::empty(std::int64_t count) const {
  return Tensor::empty({count, geometry_.side(images_.height), geometry_.side(images_.width), 3},
                       dtype_, device_);
}

ViewInputs to(const ViewInputs& inputs, Device device) {
  return {inputs.pixels.defined() ? inputs.pixels.to(device) : Tensor(), inputs.rows.to(device),
          inputs.augments.to(device)};
}

void ViewPlan::append(const ViewPlan& more) {
  indices.insert(indices.end(), more.indices.begin(), more.indices.end());
  augments.insert(augments.end(), more.augments.begin(), more.augments.end());
}

ViewPlan ViewMaker::plan(std::span<const std::int64_t> indices, View view,
                         const ViewStream& stream) const {
  for (const std::int64_t index : indices) {
    require(index >= 0 && index < images_.count,
            "a view was asked of image {}, but there are {} images (0 to {}); pass indices of this "
            "split",
            index, images_.count, images_.count - 1);
  }
  return {{indices.begin(), indices.end()}, draw_plans(images_, indices, view, stream, geometry_)};
}

ViewInputs ViewMaker::inputs(const ViewPlan& plan) const {
  const std::int64_t count = std::ssize(plan.indices);
  ViewInputs inputs;
  if (is_on_gpu() && !pixels_.defined()) {
    inputs.pixels = gathered_on_host(plan.indices);
    std::vector<std::int64_t> rows(plan.indices.size());
    std::iota(rows.begin(), rows.end(), 0);
    inputs.rows = Tensor::from(rows, {count});
  } else {
    inputs.rows = Tensor::from(plan.indices, {count});
  }
  inputs.augments = programs_of(plan.augments, shape_of(images_, geometry_, count));
  return inputs;
}

void ViewMaker::make(const ViewInputs& inputs, Tensor out) const {
  const kernels::AugmentShape shape = shape_of(images_, geometry_, inputs.rows.numel());
  Work work = moved(out.numel(), DType::kUint8);  // the pixels that the crop reads
  work += moved(out.numel(), out.dtype());
  const Range range("views", work);
  const std::uint8_t* pixels = pixels_of(inputs);
  const auto* rows = inputs.rows.data<std::int64_t>();
  const auto* programs = static_cast<const kernels::AugmentProgram*>(inputs.augments.raw());
  dispatch_activation(out, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::augment_batch(ctx, shape, pixels, rows, programs, mean_.data(), std_.data(),
                           out.data<T>());
  });
}

void ViewMaker::make(std::span<const std::int64_t> indices, View view, const ViewStream& stream,
                     Tensor out) const {
  make(to(inputs(plan(indices, view, stream)), device_), std::move(out));
}

void ViewMaker::prefetch(std::span<const std::int64_t> indices) const {
  if (!pixels_.defined()) bptplr::prefetch(images_, indices);
}

/// Returns images[indices[i]] one after the other, uint8.
Tensor ViewMaker::gathered_on_host(std::span<const std::int64_t> indices) const {
  const std::int64_t bytes = images_.bytes_per_image();
  Tensor batch = Tensor::empty({std::ssize(indices) * bytes}, DType::kUint8);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    std::copy_n(images_.image(indices[i]), bytes,
                batch.data<std::uint8_t>() + static_cast<std::int64_t>(i) * bytes);
  }
  return batch;
}

const std::uint8_t* ViewMaker::pixels_of(const ViewInputs& inputs) const {
  if (inputs.pixels.defined()) return inputs.pixels.data<std::uint8_t>();
  return pixels_.defined() ? pixels_.data<std::uint8_t>() : images_.pixels.data();
}

}  // namespace bptplr
