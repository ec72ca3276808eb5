// What a recipe file says of noise and classes, where the run has another data set than the recipe.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "data/sets/dataset_kind.hpp"

namespace bptplr {

/// Fields of a recipe file that do not count.
struct LeftOut {
  std::vector<std::string> sentences;  ///< what the user should know of it
  /// num_class of a recipe for data whose files alone tell the number; 0: the recipe had none.
  std::int64_t num_class = 0;
};

/// Removes from the valid fields of a recipe file those that yield to the data set of the run,
/// unless `flags`, the fields of the command line, have them too: noise for people's own labels,
/// where the recipe does not name that data set itself, and another number of classes.
LeftOut leave_to_data(nlohmann::json& file, std::string_view origin, DatasetKind dataset,
                      const nlohmann::json& flags);

/// Returns the sentence on a num_class that yields to the number of classes of the data.
std::string other_classes(std::string_view origin, std::int64_t num_class, DatasetKind dataset,
                          std::int64_t classes);

}  // namespace bptplr
