// What the host decides about an iteration of step 5, written down as tensors: which samples, their
// views, MixUp, the learning rate. A graph that is replayed finds them at the same addresses each
// time.
#pragma once

#include <vector>

#include "bpt_plr/method/iteration.hpp"
#include "data/views.hpp"

namespace bptplr {

/// Of B_x labelled and B_u unlabelled samples, with M = 2 B_x + 2 B_u.
struct IterationInputs {
  ViewInputs weak;           ///< u1, u2, x1, x2
  ViewInputs strong;         ///< x3, x4, u3, u4; undefined where nothing asks for them
  Tensor labels;             ///< int64 [B_x] noisy labels
  Tensor clean_probability;  ///< float32 [B_x] w
  Tensor set_rows;           ///< int64 [B_x + B_u] whose logits tell a sample's class set
  Tensor set_labels;         ///< int64 [B_x + B_u] noisy labels
  Tensor permutation;        ///< int64 [M]
  Tensor scalars;            ///< float64 [5], see IterationScalars::to_tensor

  /// Whether all tensors are of the same shapes.
  bool has_shapes_of(const IterationInputs& other) const;
  /// A copy on another device.
  IterationInputs to(Device device) const;
  /// Overwrites all elements; the shapes must agree, the devices need not.
  void copy_from(const IterationInputs& source);

 private:
  std::vector<Tensor*> tensors();
  std::vector<const Tensor*> tensors() const;
};

}  // namespace bptplr
