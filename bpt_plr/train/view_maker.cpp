#include "bpt_plr/train/view_maker.hpp"

namespace bptplr {

ViewMaker make_view_maker(const Recipe& recipe, const Dataset& dataset, const Images& images) {
  const ViewGeometry geometry{static_cast<int>(recipe.crop), static_cast<int>(recipe.crop_padding)};
  return {images,
          dataset.mean,
          dataset.std,
          geometry,
          choose_device(recipe.device),
          dtype_of(recipe.precision),
          recipe.image_memory};
}

}  // namespace bptplr
