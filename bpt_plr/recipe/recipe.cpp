#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

bool divides(const Recipe& recipe) {
  return recipe.selection != SelectionKind::kNone;
}

bool uses_prototypes(const Recipe& recipe) {
  return recipe.statistic == StatisticKind::kCePrototype;
}

bool will_use_prototypes(const Recipe& recipe) {
  return uses_prototypes(recipe) && recipe.warm_up < recipe.num_epochs;
}

}  // namespace bptplr
