#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = bptplr::fuzz_folder().write("recipe.json", data, size);
  return bptplr::parse([&] {
    bptplr::Recipe recipe =
        bptplr::compose_recipe(bptplr::read_recipe(file), "fuzzed", nlohmann::json::object());
    bptplr::resolve(recipe);
    bptplr::to_json(recipe);
  });
}
