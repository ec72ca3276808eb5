#include "bpt_plr/run/asked_recipe.hpp"

#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/run/run_folder.hpp"

namespace bptplr {

Recipe asked_recipe(const std::string& base, const nlohmann::json& given, bool resume,
                    LeftOut& left_out) {
  nlohmann::json file = base.empty() ? nlohmann::json::object() : read_recipe(base);
  const std::string out = given.value("out", "");
  const bool goes_on = resume && RunFolder::exists(out);
  nlohmann::json run = nlohmann::json::object();
  if (goes_on) run = to_json(RunFolder::open(out).read_config());
  for (const char* field : {"max_hours", "log_format", "quiet"}) run.erase(field);  // of that call
  const auto compose = [&] {
    if (!goes_on) return compose_recipe(file, base, given);
    nlohmann::json asked = file;
    asked.update(given);  // "out" is among them, as the folder may have moved
    return compose_recipe(run, out, asked);
  };
  const DatasetKind dataset = compose().dataset;
  left_out = leave_to_data(file, base, dataset, given);
  return compose();
}

}  // namespace bptplr
