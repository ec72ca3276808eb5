#include "apps/manual/flag_table.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "bpt_plr/recipe/builtin.hpp"

namespace bptplr {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

void append_names(std::vector<std::string>& names, const std::vector<BuiltinRecipe>& recipes) {
  for (const BuiltinRecipe& recipe : recipes) names.emplace_back(recipe.name);
}

/// Reads what --help calls a value: words of lower case between "|" are what it may be, and those
/// of upper case say what kind of thing. What comes after a blank is for a second value.
void read_value(FlagEntry& flag) {
  const std::string first = flag.value.substr(0, flag.value.find(' '));
  const std::vector<std::string> words = split(first, '|');
  for (const std::string& word : words) {
    if (word == "PATH" || word == "FILE" || word == "DIR") {
      flag.is_path = true;
    } else if (word == "RECIPE") {
      append_names(flag.choices, builtin_recipes());
    } else if (word == "METHOD") {
      append_names(flag.choices, builtin_methods());
    } else if (std::ranges::none_of(word, [](unsigned char c) { return std::isupper(c) != 0; })) {
      flag.choices.push_back(word);
    }
  }
}

FlagEntry entry_of(const CLI::Option& option) {
  FlagEntry flag;
  flag.is_argument = option.get_positional();
  if (flag.is_argument) {
    flag.names = {option.get_name(true, false)};
  } else {
    for (const std::string& name : option.get_snames()) flag.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) flag.names.push_back("--" + name);
  }
  const std::string type = option.get_type_name();
  if (option.get_items_expected_max() > 0) flag.value = type.substr(0, type.find(':'));
  flag.repeats = option.get_items_expected_max() > 1;
  flag.about = option.get_description();
  flag.usual = option.get_default_str();
  flag.group = option.get_group();
  read_value(flag);
  return flag;
}

CommandEntry read_command(const CLI::App& app, const std::string& path) {
  CommandEntry command{app.get_name(), path, app.get_description(), app.get_footer(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) command.flags.push_back(entry_of(*option));
  }
  for (const CLI::App* below : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (below->get_group().empty()) continue;
    command.commands.push_back(
        read_command(*below, path.empty() ? below->get_name() : path + " " + below->get_name()));
  }
  return command;
}

void collect(const CommandEntry& command, std::vector<const CommandEntry*>& all) {
  all.push_back(&command);
  for (const CommandEntry& below : command.commands) collect(below, all);
}

}  // namespace

std::vector<const CommandEntry*> CommandEntry::all() const {
  std::vector<const CommandEntry*> found;
  collect(*this, found);
  return found;
}

CommandEntry read_flags(const CLI::App& app) {
  return read_command(app, "");
}

}  // namespace bptplr
