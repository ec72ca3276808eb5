#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "apps/manual/manual.hpp"

namespace bptplr {
namespace {

std::string zsh_quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

/// Returns an explanation as it may stand within [...] of a specification.
std::string explanation(const std::string& about) {
  std::string result;
  for (const char c : about) {
    if (std::string_view("[]:\\").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

/// Returns the function that completes commands or arguments of `command`.
std::string function_of(const CommandEntry& command) {
  std::string name = "_bptplr" + std::string(command.path.empty() ? "" : "_") + command.path;
  std::ranges::replace(name, ' ', '_');
  return name;
}

/// Returns what _arguments calls the action: what completes a value.
std::string action(const FlagEntry& flag) {
  const std::string words = fmt::format("{}", fmt::join(flag.choices, " "));
  if (flag.is_path && !words.empty()) {
    // After a blank, _arguments adds nothing to it.
    return fmt::format(" _alternative \"words:word:({})\" \"files:file:_files\"", words);
  }
  if (flag.is_path) return "_files";
  return words.empty() ? "( )" : fmt::format("({})", words);
}

/// Returns the specifications of a flag for _arguments, one for each of its names.
std::string specifications(const FlagEntry& flag) {
  if (flag.is_argument) {
    const char* place = flag.repeats ? "*:" : ":";
    return fmt::format("    {} \\\n",
                       zsh_quoted(fmt::format("{}{}:{}", place, flag.names[0], action(flag))));
  }
  std::string lines;
  for (const std::string& name : flag.names) {
    const bool takes_equals = !flag.value.empty() && name.starts_with("--");
    std::string text =
        fmt::format("{}{}[{}]", name, takes_equals ? "=" : "", explanation(flag.about));
    if (!flag.value.empty()) text += fmt::format(":{}:{}", name, action(flag));
    lines += fmt::format("    {} \\\n", zsh_quoted(text));
  }
  return lines;
}

/// Returns the function for a command with commands below it.
std::string choose_below(const CommandEntry& command) {
  std::string described;
  std::string cases;
  for (const CommandEntry& below : command.commands) {
    described += fmt::format("        {}\n", zsh_quoted(below.name + ":" + below.about));
    cases += fmt::format("        {}) {} ;;\n", below.name, function_of(below));
  }
  std::string flags;
  for (const FlagEntry& flag : command.flags) flags += specifications(flag);
  return fmt::format(R"~({}() {{
  local context state line
  local -a commands
  _arguments -C \
{}    '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      commands=(
{}      )
      _describe command commands
      ;;
    argument)
      case $words[1] in
{}      esac
      ;;
  esac
}}

)~",
                     function_of(command), flags, described, cases);
}

std::string zsh_function(const CommandEntry& command) {
  if (!command.commands.empty()) return choose_below(command);
  std::string flags;
  for (const FlagEntry& flag : command.flags) flags += specifications(flag);
  return fmt::format("{}() {{\n  _arguments \\\n{}    && return\n}}\n\n", function_of(command),
                     flags);
}

}  // namespace

std::string zsh_completion(const CommandEntry& program) {
  std::string text =
      "#compdef bptplr\n# Completion of bptplr for zsh, made by `bptplr completion zsh`.\n\n";
  for (const CommandEntry* command : program.all()) text += zsh_function(*command);
  // Loaded by name it is called, read as a script it makes itself known.
  return text +
         "if [[ $funcstack[1] == _bptplr ]]; then\n  _bptplr \"$@\"\nelse\n  compdef _bptplr "
         "bptplr\n"
         "fi\n";
}

}  // namespace bptplr
