#include "apps/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "bpt_plr/recipe/text.hpp"

namespace bptplr {
namespace {

std::vector<const CLI::App*> subcommands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> names_of_subcommands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : subcommands_of(app)) {
    if (!command->get_group().empty()) names.push_back(command->get_name());  // else hidden
  }
  return names;
}

/// Returns the option that is called `flag`, with _ for - if it must be, and sets `flag` to its
/// name; null if there is none.
const CLI::Option* find_option(const CLI::App& command, std::string& flag) {
  if (const CLI::Option* option = command.get_option_no_throw(flag)) return option;
  std::string underscored = flag;
  std::replace(underscored.begin() + 2, underscored.end(), '-', '_');
  const CLI::Option* option = command.get_option_no_throw(underscored);
  if (option != nullptr) flag = underscored;
  return option;
}

/// Returns the sentence on a flag that CLI11 could not place.
std::string unknown_flag(const CLI::App& command, const std::string& argument) {
  const std::string flag = argument.substr(0, argument.find('='));
  if (command.get_option_no_throw(flag) != nullptr) {
    return fmt::format("{} is a flag of {}; write it after that", flag, command.get_name());
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    const auto& flags = option->get_lnames();
    names.insert(names.end(), flags.begin(), flags.end());
  }
  return fmt::format("there is no flag {}{}", flag,
                     did_you_mean(flag.substr(flag.find_first_not_of('-')), names, "--"));
}

/// Throws CLI::ArgumentMismatch if the word after a flag without = is another flag of the command.
void require_value(const CLI::App& command, const std::string& flag, const std::string& next) {
  std::string name = next.substr(0, next.find('='));
  const bool is_long = name.starts_with("--") && name.size() > 2;
  if (!is_long || find_option(command, name) == nullptr) return;
  throw CLI::ArgumentMismatch(
      fmt::format("{0} needs a value, but {1} follows, which is a flag; write {0}= for an empty "
                  "one, or {0}={1}",
                  flag, next));
}

bool is_flag(const std::string& argument) {
  return argument.starts_with('-') && argument.find_first_not_of('-') != std::string::npos;
}

}  // namespace

std::vector<std::string> read_arguments(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  const CLI::App* command = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    for (const CLI::App* below : subcommands_of(*command)) {
      if (below->get_name() == argument) command = below;
    }
    const std::size_t equals = argument.find('=');
    std::string flag = argument.substr(0, equals);
    const bool is_long = flag.starts_with("--") && flag.size() > 2;
    const CLI::Option* option = is_long ? find_option(*command, flag) : nullptr;
    if (argument == "--" || option == nullptr) {
      arguments.push_back(argument);
      if (argument != "--") continue;
      arguments.insert(arguments.end(), argv + i + 1, argv + argc);  // no flags from here on
      break;
    }
    const bool takes_value = option->get_items_expected_max() > 0;
    const bool has_empty_value = equals + 1 == argument.size();
    if (equals == std::string::npos) {
      arguments.push_back(flag);
      if (!takes_value || i + 1 == argc) continue;
      require_value(*command, flag, argv[i + 1]);
      arguments.emplace_back(argv[++i]);  // whatever it looks like
    } else if (takes_value && has_empty_value) {
      arguments.insert(arguments.end(), {flag, ""});
    } else {
      if (has_empty_value) throw CLI::ArgumentMismatch(flag + " takes no value; leave out the =");
      arguments.push_back(flag + argument.substr(equals));
    }
  }
  return arguments;
}

void refuse_empty_numbers(CLI::App& app) {
  for (CLI::App* below : app.get_subcommands([](CLI::App*) { return true; })) {
    refuse_empty_numbers(*below);
  }
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    const std::string word = type.substr(0, type.find(':'));  // what a check says comes after it
    if (std::ranges::count(std::array{"INT", "UINT", "FLOAT", "NUMBER", "true|false"}, word) == 0) {
      continue;
    }
    option->check([word](const std::string& value) {
      return value.empty() ? "'' is no " + word + "; give a value, or leave the flag out"
                           : std::string();
    });
  }
}

const CLI::App& chosen_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : chosen_command(*chosen.front());
}

std::string usage_sentence(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = chosen_command(app);
  const std::vector<std::string> own = command.remaining();
  const std::vector<std::string> left = own.empty() ? app.remaining() : own;
  if (left.empty()) return error.what();
  const auto flag = std::ranges::find_if(left, is_flag);
  if (flag != left.end()) return unknown_flag(command, *flag);
  const std::vector<std::string> commands = names_of_subcommands(command);
  if (commands.empty()) return error.what();
  // CLI11 would only say that a subcommand is missing.
  return fmt::format("there is no '{}' among {}{}", left.front(), fmt::join(commands, ", "),
                     did_you_mean(left.front(), commands));
}

}  // namespace bptplr
