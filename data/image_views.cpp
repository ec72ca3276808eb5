#include "data/image_views.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "data/autoaugment.hpp"
#include "data/prefetch.hpp"
#include "engine/dispatch.hpp"
#include "engine/error.hpp"
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

/// Draws the augmentation of image `sample`, whose images have the size of `images`.
kernels::AugmentPlan drawn(const Images& images, std::int64_t sample, View view,
                           const ViewStream& stream, const ViewGeometry& geometry) {
  Philox random(stream.seed, Purpose::kAugment, stream.epoch, static_cast<std::uint32_t>(sample),
                stream.draw);
  return draw_plan(view, images.height, images.width, geometry, random);
}

/// Returns the shape of `count` views of the images.
kernels::AugmentShape shape_of(const Images& images, const ViewGeometry& geometry,
                               std::int64_t count) {
  return {count, images.height, images.width, geometry.side(images.height),
          geometry.side(images.width)};
}

/// Returns the bytes of the programs of `plan`, on the CPU.
Tensor programs_of(std::span<const PlannedView> plan, const Images& images,
                   const ViewGeometry& geometry) {
  std::vector<kernels::AugmentProgram> programs;
  programs.reserve(plan.size());
  const int height = geometry.side(images.height);
  const int width = geometry.side(images.width);
  for (const PlannedView& of : plan) {
    programs.push_back(
        kernels::prepare(drawn(images, of.index, of.view, of.stream, geometry), height, width));
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
  std::vector<PlannedView> plan;
  for (const std::int64_t sample : samples) plan.push_back({sample, view, stream});
  const Tensor programs = programs_of(plan, images, geometry);
  std::vector<std::int64_t> rows(samples.size());
  std::iota(rows.begin(), rows.end(), 0);
  Tensor pixels =
      Tensor::empty({shape.count, shape.crop_height, shape.crop_width, 3}, DType::kUint8);
  kernels::augment_batch(cpu_context(), shape, images.pixels.data(), rows.data(),
                         static_cast<const kernels::AugmentProgram*>(programs.raw()),
                         pixels.data<std::uint8_t>());
  return pixels;
}

ImageViews::ImageViews(const Images& images, std::span<const float> mean,
                       std::span<const float> std, const ViewGeometry& geometry, Device device,
                       DType dtype, SampleMemory memory)
    : ViewMaker(device),
      images_(images),
      geometry_(geometry),
      mean_(mean.begin(), mean.end()),
      std_(std.begin(), std.end()),
      dtype_(dtype) {
  geometry.check(images.height, images.width);
  require(mean.size() == 3 && std.size() == 3,
          "images are normalised with {} means and {} deviations, but have three channels",
          mean.size(), std.size());
  if (keeps_samples(device, memory, images.pixels.size())) {
    pixels_ = Tensor::from_bytes(std::as_bytes(images.pixels), device);
  }
}

Tensor ImageViews::empty(std::int64_t count) const {
  return Tensor::empty({count, geometry_.side(images_.height), geometry_.side(images_.width), 3},
                       dtype_, device());
}

ViewInputs ImageViews::inputs(std::span<const PlannedView> plan) const {
  const bool travels = device().type == DeviceType::kCuda && !pixels_.defined();
  ViewInputs inputs = travels ? gathered(plan, images_.bytes_per_image(),
                                         [&](std::int64_t i) { return images_.image(i); })
                              : stored(plan);
  inputs.programs = programs_of(plan, images_, geometry_);
  return inputs;
}

void ImageViews::make(const ViewInputs& inputs, Tensor out) const {
  const kernels::AugmentShape shape = shape_of(images_, geometry_, inputs.rows.numel());
  Work work = moved(out.numel(), DType::kUint8);  // the pixels that the crop reads
  work += moved(out.numel(), out.dtype());
  const Range range("views", work);
  const std::uint8_t* pixels = pixels_of(inputs);
  const auto* rows = inputs.rows.data<std::int64_t>();
  const auto* programs = static_cast<const kernels::AugmentProgram*>(inputs.programs.raw());
  dispatch_activation(out, [&](const auto& ctx, auto zero) {
    using T = decltype(zero);
    kernels::augment_batch(ctx, shape, pixels, rows, programs, mean_.data(), std_.data(),
                           out.data<T>());
  });
}

void ImageViews::prefetch(std::span<const std::int64_t> indices) const {
  if (!pixels_.defined()) bptplr::prefetch(images_, indices);
}

const std::uint8_t* ImageViews::pixels_of(const ViewInputs& inputs) const {
  if (inputs.samples.defined()) return inputs.samples.data<std::uint8_t>();
  return pixels_.defined() ? pixels_.data<std::uint8_t>() : images_.pixels.data();
}

}  // namespace bptplr
