#include "bpt_plr/run/trained_run.hpp"

#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "data/images/cache_folder.hpp"
#include "engine/device.hpp"
#include "engine/error.hpp"
#include "kernels/determinism.hpp"

namespace bptplr {

Recipe recipe_of_run(const RunFolder& run, DeviceChoice device, const std::string& data_path) {
  Recipe recipe = run.read_config();
  // A stranger's run does not decide where something is written: its cache_dir counts where it is a
  // folder of caches already.
  if (!recipe.cache_dir.empty() && list_caches(recipe.cache_dir).empty()) recipe.cache_dir.clear();
  recipe.cache_limit = 0.0;
  recipe.device = device;
  if (!data_path.empty()) recipe.data_path = data_path;
  if (choose_device(device).type == DeviceType::kCpu) recipe.precision = Precision::kFloat32;
  resolve(recipe);
  kernels::set_deterministic(recipe.deterministic || kernels::is_deterministic());
  return recipe;
}

Networks load_networks(const RunFolder& run, const Recipe& recipe) {
  const int count = run.num_models();
  require(count > 0, "{} holds no model1.safetensors; train for at least one epoch",
          run.path().string());
  require(count == recipe.networks, "{} holds {} of {} models; restore the others, or resume it",
          run.path().string(), count, recipe.networks);
  Networks networks;
  for (int i = 0; i < count; ++i) {
    networks.push_back(make_network(recipe, i));
    run.read_model(i, *networks.back());
  }
  return networks;
}

bool trained_on_partition(const RunFolder& run) {
  const auto metrics = run.read_metrics();
  return !metrics.empty() && metrics.back().contains("networks") &&
         !metrics.back()["networks"].empty();
}

std::vector<Network*> pointers_to(const Networks& networks) {
  std::vector<Network*> pointers;
  pointers.reserve(networks.size());
  for (const auto& network : networks) pointers.push_back(network.get());
  return pointers;
}

}  // namespace bptplr
