// Which values a recipe may hold. Each check throws Error naming the field; the recipe has no value
// left that means "choose for me".
#pragma once

#include <string>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

void check_data(const Recipe& recipe);
void check_network(const Recipe& recipe);
void check_training(const Recipe& recipe);
/// Checks that crops fit the images, and the network the crops: before images are decoded, which
/// may take hours.
void check_views(const Recipe& recipe);
void check_warm_up(const Recipe& recipe);
/// Checks what is known of the samples, which of them are chosen, and by how many networks.
void check_selection(const Recipe& recipe);
void check_method(const Recipe& recipe);
void check_machine(const Recipe& recipe);

/// Returns a sentence where the recipe, a resolved one, has so few classes that the PLR loss is
/// idle for a while: more than half of the classes in each set, and no two sets are disjoint. Else
/// empty.
std::string class_set_warning(const Recipe& recipe);

}  // namespace bptplr
