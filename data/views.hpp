// Makes the views of an image that networks are trained and tested on: unchanged, weakly or
// strongly augmented.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.hpp"
#include "data/image_memory.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"
#include "kernels/augment.hpp"

namespace bptplr {

enum class View {
  kTest,    ///< the crop in the middle of the image
  kWeak,    ///< random crop of the image, padded with zeros; random horizontal flip
  kStrong,  ///< weak, then a sub-policy of AutoAugment for CIFAR-10, for every data set
};

/// Geometry of a view. The default is that of networks for 32 x 32 pixels.
struct ViewGeometry {
  int crop = 0;     ///< side of a view in pixels; 0: the sides of the image
  int padding = 4;  ///< zeros on each side of the image that the crop of a weak view may reach into

  /// Returns the side of a view along an axis of `image_side` pixels.
  int side(int image_side) const { return crop == 0 ? image_side : crop; }
  /// Throws Error when the crop is larger than padded images of height x width pixels.
  void check(int height, int width) const;
};

/// Key of the random numbers of views. Views of one image in one epoch must differ in `draw` (<
/// 2^20), or they are identical.
struct ViewStream {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t draw = 0;
};

/// Draws the augmentation of an image of height x width pixels from `random`. A random crop starts
/// in [-padding, side + padding - crop] on each axis; translations scale with the crop.
kernels::AugmentPlan draw_plan(View view, int height, int width, const ViewGeometry& geometry,
                               Philox& random);

/// Returns a view of each image as pixels that are not normalised: uint8 [images.count, h, w, 3] of
/// the crop. Image i is sample samples[i] of a data set, and its view is what ViewMaker::make would
/// normalise. Throws Error if the crop is larger than the padded images, or unless there is one
/// sample number per image.
Tensor make_pixels(const Images& images, std::span<const std::int64_t> samples, View view,
                   const ViewStream& stream, const ViewGeometry& geometry = {});

/// Views that are planned but not made: images and their augmentations.
struct ViewPlan {
  std::vector<std::int64_t> indices;           ///< of the images
  std::vector<kernels::AugmentPlan> augments;  ///< one per image

  /// Appends the views of `more`.
  void append(const ViewPlan& more);
};

/// A ViewPlan in the form that a device's kernels read. Tensors on the CPU can be copied there.
struct ViewInputs {
  Tensor pixels;    ///< uint8 [n, height, width, 3]; undefined if the images are stored elsewhere
  Tensor rows;      ///< int64 [n], image of each view
  Tensor augments;  ///< the bytes of n AugmentPrograms
};

ViewInputs to(const ViewInputs& inputs, Device device);

/// Makes views of one set of images on one device.
class ViewMaker {
 public:
  /// Receives `images`, which must outlive it. Inputs are normalised with mean and std of pixel /
  /// 255; they are float32 or, on a GPU, bfloat16. Throws Error as ViewGeometry::check does, and
  /// when the GPU lacks memory for the images.
  ViewMaker(const Images& images, std::span<const float, 3> mean, std::span<const float, 3> std,
            const ViewGeometry& geometry = {}, Device device = {}, DType dtype = DType::kFloat32,
            ImageMemory memory = ImageMemory::kAuto);

  const Images& images() const { return images_; }
  Device device() const { return device_; }
  /// Returns memory for the views of `count` images: [count, height, width, 3] of the crop.
  Tensor empty(std::int64_t count) const;
  /// Writes the chosen views of images[indices[i]] to `out`, allocated by empty(indices.size()), as
  /// (p / 255 - mean[c]) / std[c]. The view of an image depends on the stream and on its index in
  /// `images`, not on its batch. Throws Error for an index out of range.
  void make(std::span<const std::int64_t> indices, View view, const ViewStream& stream,
            Tensor out) const;
  /// Split `make` into three steps, to make views of a fixed number repeatedly: plan the views,
  /// write the plan down (on the CPU), and make the views from inputs on this device.
  ViewPlan plan(std::span<const std::int64_t> indices, View view, const ViewStream& stream) const;
  ViewInputs inputs(const ViewPlan& plan) const;
  void make(const ViewInputs& inputs, Tensor out) const;
  /// Starts reading images on disk whose views will be made next.
  void prefetch(std::span<const std::int64_t> indices) const;

 private:
  bool is_on_gpu() const { return device_.type == DeviceType::kCuda; }
  Tensor gathered_on_host(std::span<const std::int64_t> indices) const;
  /// The images that the views of `inputs` are made of, in memory of the device.
  const std::uint8_t* pixels_of(const ViewInputs& inputs) const;

  const Images& images_;
  ViewGeometry geometry_;
  std::array<float, 3> mean_{};
  std::array<float, 3> std_{};
  Device device_;
  DType dtype_;
  Tensor pixels_;  ///< uint8 [count, height, width, 3] on a GPU; undefined if they stay in images_
};

}  // namespace bptplr
