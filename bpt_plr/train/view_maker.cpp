#include "bpt_plr/train/view_maker.hpp"

#include "data/image_views.hpp"
#include "data/vector_views.hpp"

namespace bptplr {

std::unique_ptr<ViewMaker> make_view_maker(const Recipe& recipe, const Dataset& dataset,
                                           const Split& split) {
  const Device device = choose_device(recipe.device);
  const DType dtype = dtype_of(recipe.precision, device);
  if (split.has_vectors()) {
    const VectorChanges changes{
        {static_cast<float>(recipe.weak_drop), static_cast<float>(recipe.strong_drop)},
        {static_cast<float>(recipe.weak_noise), static_cast<float>(recipe.strong_noise)}};
    return std::make_unique<VectorViews>(split.vectors, dataset.mean, dataset.std, changes, device,
                                         dtype, recipe.image_memory);
  }
  const ViewGeometry geometry{static_cast<int>(recipe.crop), static_cast<int>(recipe.crop_padding)};
  return std::make_unique<ImageViews>(split.images, dataset.mean, dataset.std, geometry, device,
                                      dtype, recipe.image_memory);
}

}  // namespace bptplr
