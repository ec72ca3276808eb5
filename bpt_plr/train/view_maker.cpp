#include "bpt_plr/train/view_maker.hpp"

namespace bptplr {

ViewMaker make_view_maker(const Recipe& recipe, const Dataset& dataset, const Images& images) {
  const DType dtype = recipe.precision == "bf16" ? DType::kBfloat16 : DType::kFloat32;
  const ImageMemory memory = recipe.image_memory == "device" ? ImageMemory::kDevice
                             : recipe.image_memory == "host" ? ImageMemory::kHost
                                                             : ImageMemory::kAuto;
  const ViewGeometry geometry{static_cast<int>(recipe.crop), static_cast<int>(recipe.crop_padding)};
  return {images, dataset.mean, dataset.std, geometry, parse_device(recipe.device), dtype, memory};
}

}  // namespace bptplr
