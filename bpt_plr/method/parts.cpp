#include "bpt_plr/method/parts.hpp"

namespace bptplr {

Parts::Parts(const Recipe& recipe) {
  if (!divides(recipe)) return;
  statistic = make_statistic(recipe);
  selection = make_selection(recipe);
  if (uses_prototypes(recipe)) pseudo_labels = make_pseudo_labels(recipe);
}

void Parts::save(TensorMap& tensors) const {
  if (statistic) statistic->save(tensors);
  if (selection) selection->save(tensors);
  if (pseudo_labels) pseudo_labels->save(tensors);
}

void Parts::load(const TensorMap& tensors) {
  if (statistic) statistic->load(tensors);
  if (selection) selection->load(tensors);
  if (pseudo_labels) pseudo_labels->load(tensors);
}

}  // namespace bptplr
