// Resizes pictures as Pillow does (Image.resize with BILINEAR, as called by torchvision's
// transforms): with a triangle filter that widens with the reduction, which avoids aliasing.
#pragma once

#include <cstdint>
#include <memory>

#include "data/images/image.hpp"

namespace bptplr {

/// Returns the picture at height x width pixels (each at least 1), with the bytes of Pillow 9.4.
Image resize_bilinear(const Image& image, int height, int width);

/// Applies torchvision's Resize(side) and CenterCrop(side): the shorter side becomes `side`, the
/// longer one floor(side * longer / shorter); writes the central square to `out` [side, side, 3].
void resize_and_crop(const Image& image, int side, std::uint8_t* out);

/// Applies resize_and_crop to a picture row by row, while rows are still in the processor's caches.
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
