// Shapes of the convolutions that the benchmarks time.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/conv2d.hpp"

namespace bptplr {

/// Returns the convolutions of PreAct-ResNet18 on 32 x 32 images, each shape once.
inline std::vector<kernels::Conv2dShape> preact_resnet18_shapes(std::int64_t images,
                                                                std::int64_t width) {
  std::vector<kernels::Conv2dShape> shapes{{images, 32, 32, 3, width, 3, 1, 1}};
  for (int stage = 0; stage < 4; ++stage) {
    const std::int64_t side = 32 >> stage, channels = width << stage;
    shapes.push_back({images, side, side, channels, channels, 3, 1, 1});
    if (stage == 3) break;
    shapes.push_back({images, side, side, channels, 2 * channels, 3, 2, 1});
    shapes.push_back({images, side, side, channels, 2 * channels, 1, 2, 0});
  }
  return shapes;
}

}  // namespace bptplr
