// The table of a level's kernels, for the sources that are compiled for that level.
#pragma once

#include "kernels/cpu/conv2d/products.hpp"
#include "kernels/cpu/conv2d/winograd_transforms.hpp"

namespace bptplr::kernels::conv {

template <class Isa>
constexpr LeafKernels make_table(const char* name) {
  return {name,
          Isa::kLanes,
          row_product<Isa>,
          column_product<Isa>,
          TileTransforms<Isa, 4>::table(),
          TileTransforms<Isa, 2>::table()};
}

}  // namespace bptplr::kernels::conv
