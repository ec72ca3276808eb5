// Resizing as Pillow does it (Image.resize with BILINEAR, which the field's torchvision transforms
// call): a triangle filter that widens with the reduction, so that nothing aliases.
#pragma once

#include <cstdint>
#include <memory>

#include "data/images/image.hpp"

namespace bptplr {

/// The picture at height x width pixels (each at least 1), byte for byte as Pillow 9.4 gives it.
Image resize_bilinear(const Image& image, int height, int width);

/// torchvision's Resize(side) and CenterCrop(side): the shorter side becomes `side`, the other one
/// floor(side * longer / shorter), and of that the middle side x side pixels are written to `out`
/// [side, side, 3].
void resize_and_crop(const Image& image, int side, std::uint8_t* out);

/// The same of a picture that comes row by row, each while it is still in the processor's caches.
class ResizeAndCrop final : public RowSink {
 public:
  ResizeAndCrop(int side, std::uint8_t* out);
  ~ResizeAndCrop() override;
  ResizeAndCrop(const ResizeAndCrop&) = delete;
  ResizeAndCrop& operator=(const ResizeAndCrop&) = delete;

  void start(int height, int width) override;
  std::uint8_t* row() override;
  void done() override;

 private:
  class Resizer;

  int side_;
  std::uint8_t* out_;
  std::unique_ptr<Resizer> resizer_;
};

}  // namespace bptplr
