#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/manual/manual.hpp"

namespace bptplr {
namespace {

/// Returns `text` within single quotes, with a backslash before each of `special`.
std::string quoted(const std::string& text, const std::string& special) {
  std::string result = "'";
  for (const char c : text) {
    if (special.find(c) != std::string::npos) result += '\\';
    result += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return result + "'";
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
  std::string lines;
  if (flag.is_argument) {
    // [...] would be an explanation, so there is none.
    const std::string kind = flag.repeats ? "*:" : ":";
    return fmt::format("    {} \\\n",
                       quoted(fmt::format("{}{}:{}", kind, flag.names[0], action(flag)), ""));
  }
  for (const std::string& name : flag.names) {
    std::string about = flag.about;
    for (std::size_t at = 0; (at = about.find_first_of("[]:\\", at)) != std::string::npos;
         at += 2) {
      about.insert(at, "\\");
    }
    std::string text = fmt::format("{}{}[{}]", name,
                                   !flag.value.empty() && name.starts_with("--") ? "=" : "", about);
    if (!flag.value.empty()) text += fmt::format(":{}:{}", flag.names.back(), action(flag));
    lines += fmt::format("    {} \\\n", quoted(text, ""));
  }
  return lines;
}

/// Returns the function for a command with commands below it.
std::string choose_below(const CommandEntry& command) {
  std::string described;
  std::string cases;
  for (const CommandEntry& below : command.commands) {
    described += fmt::format("        {}\n", quoted(below.name + ":" + below.about, ""));
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

std::string function(const CommandEntry& command) {
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
  for (const CommandEntry* command : program.all()) text += function(*command);
  // Loaded by name it is called, read as a script it makes itself known.
  return text +
         "if [[ $funcstack[1] == _bptplr ]]; then\n  _bptplr \"$@\"\nelse\n  compdef _bptplr "
         "bptplr\n"
         "fi\n";
}

}  // namespace bptplr
