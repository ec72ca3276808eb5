// The views that networks see of an image: as it is, weakly or strongly augmented.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"
#include "kernels/augment.hpp"

namespace bptplr {

enum class View {
  kTest,    ///< the crop in the middle of the image
  kWeak,    ///< random crop of the image, padded with zeros; random horizontal flip
  kStrong,  ///< weak, then a sub-policy of AutoAugment for CIFAR-10, for every data set
};

/// What a view shows of an image. The default is what networks for 32 x 32 pixels are trained with.
struct ViewGeometry {
  int crop = 0;     ///< side of a view in pixels; 0: the sides of the image
  int padding = 4;  ///< zeros on each side of the image that the crop of a weak view may reach into

  /// What a view shows of an axis of `image_side` pixels.
  int side(int image_side) const { return crop == 0 ? image_side : crop; }
  /// Throws Error when the crop is larger than padded images of height x width pixels.
  void check(int height, int width) const;
};

/// Which random numbers views are made with. Views of one image in one epoch must differ in `draw`
/// (< 2^20), or they come out the same.
struct ViewStream {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t draw = 0;
};

/// What the view does to an image of height x width pixels, with the numbers of `random`. A random
/// crop begins in [-padding, side + padding - crop] on each axis; translations scale with the crop.
kernels::AugmentPlan draw_plan(View view, int height, int width, const ViewGeometry& geometry,
                               Philox& random);

/// A view of each image as pixels, for whoever normalises them in another way: uint8
/// [images.count, h, w, 3] of the crop. Image i is sample samples[i] of a data set, and its view is
/// what ViewMaker::make would normalise. Throws Error when the crop is larger than the padded
/// images and unless there is one sample number an image.
Tensor make_pixels(const Images& images, std::span<const std::int64_t> samples, View view,
                   const ViewStream& stream, const ViewGeometry& geometry = {});

/// Where the images wait that a GPU makes views of, as uint8.
enum class ImageMemory {
  kAuto,    ///< on the GPU where they take at most half of what is free there
  kDevice,  ///< on the GPU
  kHost,    ///< in the CPU's memory; each batch travels through pinned memory
};

/// Which images to show, and how: views decided but not made.
struct ViewPlan {
  std::vector<std::int64_t> indices;           ///< of the images
  std::vector<kernels::AugmentPlan> augments;  ///< one an image

  /// Puts the views of `more` behind these.
  void append(const ViewPlan& more);
};

/// A ViewPlan as the kernels of a device read it. The tensors may be on the CPU, to be copied.
struct ViewInputs {
  Tensor pixels;    ///< uint8 [n, height, width, 3]; undefined where the images wait elsewhere
  Tensor rows;      ///< int64 [n], which image each view is of
  Tensor augments;  ///< the bytes of n AugmentPrograms
};

ViewInputs to(const ViewInputs& inputs, Device device);

/// Makes views of one set of images on one device.
class ViewMaker {
 public:
  /// `images` must outlive this. Inputs are normalised with mean and std of pixel / 255, and come
  /// as float32 or, on a GPU, bfloat16. Throws Error as ViewGeometry::check does, and when the GPU
  /// has no room for the images.
  ViewMaker(const Images& images, std::span<const float, 3> mean, std::span<const float, 3> std,
            const ViewGeometry& geometry = {}, Device device = {}, DType dtype = DType::kFloat32,
            ImageMemory memory = ImageMemory::kAuto);

  const Images& images() const { return images_; }
  Device device() const { return device_; }
  /// Room for the views of `count` images: [count, height, width, 3] of the crop.
  Tensor empty(std::int64_t count) const;
  /// Writes the chosen views of images[indices[i]] to `out`, as empty(indices.size()) makes it:
  /// (p / 255 - mean[c]) / std[c]. The view of an image depends on the stream and on its index in
  /// `images`, not on the batch that it is part of. Throws Error when an index lies outside.
  void make(std::span<const std::int64_t> indices, View view, const ViewStream& stream,
            Tensor out) const;
  /// The same in three steps, for who makes views of a fixed number again and again: decide, write
  /// down (on the CPU), and make, from inputs on this device.
  ViewPlan plan(std::span<const std::int64_t> indices, View view, const ViewStream& stream) const;
  ViewInputs inputs(const ViewPlan& plan) const;
  void make(const ViewInputs& inputs, Tensor out) const;
  /// Says that views of these images come next: what lies on disk is read meanwhile.
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
  Tensor pixels_;  ///< uint8 [count, height, width, 3] on a GPU; undefined: they stay in images_
};

}  // namespace bptplr
