// `bptplr info`: prints the build, devices, methods and recipes of this binary.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/build_info.hpp"
#include "apps/commands.hpp"
#include "apps/terminal/terminal.hpp"
#include "apps/terminal/text_layout.hpp"
#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "engine/communicator/launch.hpp"
#include "engine/device.hpp"
#include "engine/io/json.hpp"
#include "engine/threads.hpp"
#include "kernels/collectives.hpp"
#include "kernels/cpu_level.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {
namespace {

std::vector<std::string> devices() {
  std::vector<std::string> found = {to_string(Device{})};
  for (int i = 0; i < kernels::device_count(); ++i) {
    found.push_back(to_string(Device{DeviceType::kCuda, i}));
  }
  return found;
}

/// Returns the names of the GPUs, or why there is none.
std::string describe_cuda() {
  if (kernels::device_count() == 0) return "no: " + kernels::no_device_reason();
  return kernels::device_description(0);
}

nlohmann::ordered_json to_json(const std::vector<BuiltinRecipe>& recipes) {
  auto json = nlohmann::ordered_json::array();
  for (const BuiltinRecipe& recipe : recipes) {
    json.push_back({{"name", recipe.name}, {"about", recipe.help}});
  }
  return json;
}

void print_recipes(const std::vector<BuiltinRecipe>& recipes) {
  for (const BuiltinRecipe& recipe : recipes) {
    say(wrap(fmt::format("  {:<26} {}", recipe.name, recipe.help), line_columns(STDOUT_FILENO), 6) +
        "\n");
  }
}

void print_json() {
  const BuildInfo build = build_info();
  const std::vector<std::string> found = devices();
  nlohmann::ordered_json json{
      {"version", build.version},   {"build_type", build.build_type},
      {"compiler", build.compiler}, {"onednn", build.onednn},
      {"mpi", mpi_description()},   {"nccl", kernels::collectives_description()},
      {"cuda", found.size() > 1},   {"cuda_device", describe_cuda()},
      {"devices", found},           {"threads", use_threads(0)}};
  json["cpu_level"] = kernels::cpu_level();
  json["cpu_bf16"] = kernels::cpu_multiplies_bf16();
  json["methods"] = to_json(builtin_methods());
  json["recipes"] = to_json(builtin_recipes());
  fmt::print("{}\n", to_text(json, 2));
}

void print_text() {
  const BuildInfo build = build_info();
  const std::vector<std::string> found = devices();
  fmt::print("bptplr      {}\n", build.version);
  // Two lines: the names of sanitizers are long.
  fmt::print("build       {}\n", build.build_type);
  fmt::print("compiler    {}\n", build.compiler);
  fmt::print("oneDNN      {}\n", build.onednn);
  fmt::print("processor   {}{}\n", kernels::cpu_level(),
             kernels::cpu_multiplies_bf16() ? ", bfloat16" : "");
  fmt::print("MPI         {}\n", mpi_description());
  fmt::print("NCCL        {}\n", kernels::collectives_description());
  fmt::print("CUDA        {}\n", describe_cuda());
  fmt::print("devices     {}\n", fmt::join(found, ", "));
  fmt::print("threads     {}\n", use_threads(0));
  fmt::print("\nmethods (bptplr train --method NAME)\n");
  print_recipes(builtin_methods());
  fmt::print("\nrecipes (bptplr train --recipe NAME)\n");
  print_recipes(builtin_recipes());
}

}  // namespace

void add_info_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "info", "Show the version, the build, the devices, the methods and the recipes.");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "print JSON");
  command->callback([&action, json] {
    action = [json] {
      if (*json) {
        print_json();
      } else {
        print_text();
      }
      return 0;
    };
  });
}

}  // namespace bptplr
