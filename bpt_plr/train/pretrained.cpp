#include "bpt_plr/train/pretrained.hpp"

#include "bpt_plr/recipe/network.hpp"
#include "engine/error.hpp"
#include "engine/io/torch/pth.hpp"

namespace bptplr {

NamedTensors::Match load_pretrained(const std::filesystem::path& file,
                                    const std::vector<Network*>& networks) {
  const TensorMap state =
      file.extension() == ".safetensors" ? load_safetensors(file) : load_pth(file);
  NamedTensors::Match match;
  for (Network* network : networks) {
    match = network->named().load_matching(state);
    require(match.taken > 0,
            "{}: none of its {} tensors agrees with one of the network in name and shape; check "
            "--arch and --width, or --pretrained",
            file.string(), state.size());
  }
  return match;
}

void check_pretrained(Recipe recipe) {
  if (recipe.pretrained.empty()) return;
  // The number of classes is unknown before the data are loaded; the classifier need not match.
  if (recipe.num_class == 0) recipe.num_class = 2;
  const auto network = make_network(recipe, 0);
  load_pretrained(recipe.pretrained, {network.get()});
}

}  // namespace bptplr
