// Views of images: weak ones are cropped at random and flipped, strong ones follow a sub-policy of
// AutoAugment for CIFAR-10 besides, for every data set.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.hpp"
#include "data/sample_memory.hpp"
#include "data/views.hpp"
#include "engine/random.hpp"
#include "kernels/augment.hpp"

namespace bptplr {

/// Geometry of a view. The default is that of networks for 32 x 32 pixels.
struct ViewGeometry {
  int crop = 0;     ///< side of a view in pixels; 0: the sides of the image
  int padding = 4;  ///< zeros on each side of the image that the crop of a weak view may reach into

  /// Returns the side of a view along an axis of `image_side` pixels.
  int side(int image_side) const { return crop == 0 ? image_side : crop; }
  /// Throws Error when the crop is larger than padded images of height x width pixels.
  void check(int height, int width) const;
};

/// Draws the augmentation of an image of height x width pixels from `random`. A random crop starts
/// in [-padding, side + padding - crop] on each axis; translations scale with the crop.
kernels::AugmentPlan draw_plan(View view, int height, int width, const ViewGeometry& geometry,
                               Philox& random);

/// Returns a view of each image as pixels that are not normalised: uint8 [images.count, h, w, 3] of
/// the crop. Image i is sample samples[i] of a data set, and its view is what ImageViews would
/// normalise. Throws Error if the crop is larger than the padded images, or unless there is one
/// sample number per image.
Tensor make_pixels(const Images& images, std::span<const std::int64_t> samples, View view,
                   const ViewStream& stream, const ViewGeometry& geometry = {});

/// Makes views [count, height, width, 3] of images, (p / 255 - mean[c]) / std[c] of the crop.
class ImageViews final : public ViewMaker {
 public:
  /// Receives `images`, which must outlive it, and per-channel mean and std [3] of pixel / 255.
  /// Inputs are float32 or, on a GPU, bfloat16. Throws Error as ViewGeometry::check does, and when
  /// the GPU lacks memory for the images.
  ImageViews(const Images& images, std::span<const float> mean, std::span<const float> std,
             const ViewGeometry& geometry = {}, Device device = {}, DType dtype = DType::kFloat32,
             SampleMemory memory = SampleMemory::kAuto);

  std::int64_t count() const override { return images_.count; }
  Tensor empty(std::int64_t count) const override;
  ViewInputs inputs(std::span<const PlannedView> plan) const override;
  using ViewMaker::make;
  void make(const ViewInputs& inputs, Tensor out) const override;
  void prefetch(std::span<const std::int64_t> indices) const override;

 private:
  /// The images that the views of `inputs` are made of, in memory of the device.
  const std::uint8_t* pixels_of(const ViewInputs& inputs) const;

  const Images& images_;
  ViewGeometry geometry_;
  std::vector<float> mean_;
  std::vector<float> std_;
  DType dtype_;
  Tensor pixels_;  ///< uint8 [count, height, width, 3] on a GPU; undefined if they stay in images_
};

}  // namespace bptplr
