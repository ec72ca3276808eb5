#include "bpt_plr/train/iteration_inputs.hpp"

#include <algorithm>

#include "engine/profile/range.hpp"

namespace bptplr {

std::vector<Tensor*> IterationInputs::tensors() {
  return {&weak.pixels, &weak.rows,       &weak.augments, &strong.pixels,
          &strong.rows, &strong.augments, &labels,        &clean_probability,
          &set_rows,    &set_labels,      &permutation,   &scalars};
}

std::vector<const Tensor*> IterationInputs::tensors() const {
  const auto all = const_cast<IterationInputs*>(this)->tensors();
  return {all.begin(), all.end()};
}

bool IterationInputs::has_shapes_of(const IterationInputs& other) const {
  return std::ranges::equal(tensors(), other.tensors(), [](const Tensor* a, const Tensor* b) {
    return a->defined() == b->defined() && (!a->defined() || a->shape() == b->shape());
  });
}

IterationInputs IterationInputs::to(Device device) const {
  const Range range("inputs");
  IterationInputs copy = *this;
  for (Tensor* tensor : copy.tensors()) {
    if (tensor->defined()) *tensor = tensor->to(device);
  }
  return copy;
}

void IterationInputs::copy_from(const IterationInputs& source) {
  const Range range("inputs");
  const auto targets = tensors();
  const auto sources = source.tensors();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i]->defined()) targets[i]->copy_from(*sources[i]);
  }
}

}  // namespace bptplr
