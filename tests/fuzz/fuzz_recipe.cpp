#include <nlohmann/json.hpp>

#include "bpt_plr/recipe/recipe.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = bptplr::fuzz_folder().write("recipe.json", data, size);
  return bptplr::parse([&] {
    bptplr::Recipe recipe = bptplr::compose_recipe(bptplr::read_recipe(file), "fuzzed", {});
    bptplr::resolve(recipe);
    bptplr::to_json(recipe);
  });
}
