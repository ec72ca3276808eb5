// Checks of the values of a recipe without automatic ones left. Each throws Error naming the field.
#pragma once

#include <string>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

void check_data(const Recipe& recipe);
void check_network(const Recipe& recipe);
void check_training(const Recipe& recipe);
/// Checks that crops fit the images, and the network the crops. Runs before images are decoded,
/// which may take hours. The sides of images in arrays are known later: check_sides.
void check_views(const Recipe& recipe);
/// Checks that crops fit images of height x width, and the network the crops.
void check_sides(const Recipe& recipe, int height, int width);
void check_warm_up(const Recipe& recipe);
/// Checks the number of networks and the fields of statistic and selection.
void check_selection(const Recipe& recipe);
void check_method(const Recipe& recipe);
void check_machine(const Recipe& recipe);
/// Checks that a new run has epochs after its warm-up, if it divides the data. Not a part of
/// resolve, as existing runs may have none.
void check_epochs(const Recipe& recipe);

/// Returns a warning if a resolved recipe has so few classes that the PLR loss is inactive for some
/// epochs: with more than half of the classes in each set, no two sets are disjoint. Else returns
/// an empty string.
std::string class_set_warning(const Recipe& recipe);

}  // namespace bptplr
