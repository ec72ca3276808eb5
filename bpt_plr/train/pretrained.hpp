// Loads initial weights from a network that was trained for another task.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "models/network.hpp"

namespace bptplr {

/// What a network took from a file of weights.
struct PretrainedReport {
  NamedTensors::Match match;
  std::string prefix;                ///< of names in the file, which was dropped; often ""
  std::vector<std::string> unused;   ///< names in the file, without counters, of what was not taken
  std::vector<std::string> missing;  ///< names of the network's tensors that are not in the file

  /// Returns whether so few of the network's tensors were taken that the file may be the wrong one.
  bool is_poor() const { return 10 * match.taken < 9 * match.tensors; }
};

/// Copies tensors of a file (load_weights) that match by name and shape into each of the
/// identically built networks, and returns what matched. A prefix that wrappers of networks add to
/// names (e.g. "module.", or any that all share) is dropped where more tensors match without it. A
/// tensor that matches by name alone, e.g. a classifier of other classes, is left as it is. Throws
/// Error if nothing matches or the file cannot be read.
PretrainedReport load_pretrained(const std::filesystem::path& file,
                                 const std::vector<Network*>& networks);

/// Returns the first names of a list and how many more there are: "a, b, c and 4 more".
std::string first_names(const std::vector<std::string>& names);

/// Throws the Error that loading the file of a resolved recipe (if any) would throw, to detect it
/// before long work.
void check_pretrained(Recipe recipe);

}  // namespace bptplr
