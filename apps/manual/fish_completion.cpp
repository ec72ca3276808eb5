#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/manual/manual.hpp"

namespace bptplr {
namespace {

std::string fish_quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

/// Returns the options of `complete` for a value: exclusive with the words, or files as well.
std::string value(const FlagEntry& flag) {
  const std::string words =
      flag.choices.empty() ? ""
                           : " -a " + fish_quoted(fmt::format("{}", fmt::join(flag.choices, " ")));
  return (flag.is_path ? " -r -F" : " -x") + words;
}

std::string lines_of(const CommandEntry& command) {
  const std::string begin = fmt::format("complete -c bptplr -n {}",
                                        fish_quoted(fmt::format("__bptplr_at '{}'", command.path)));
  std::string lines;
  bool takes_files = false;
  for (const FlagEntry& flag : command.flags) {
    if (flag.is_argument) {
      takes_files |= flag.is_path;
      if (!flag.choices.empty()) {
        lines += fmt::format("{} -a {}\n", begin,
                             fish_quoted(fmt::format("{}", fmt::join(flag.choices, " "))));
      }
      continue;
    }
    std::string names;
    for (const std::string& name : flag.names) {
      names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    lines += fmt::format("{}{}{} -d {}\n", begin, names, flag.value.empty() ? "" : value(flag),
                         fish_quoted(flag.about));
  }
  for (const CommandEntry& below : command.commands) {
    lines += fmt::format("{} -a {} -d {}\n", begin, below.name, fish_quoted(below.about));
  }
  if (!takes_files) lines += begin + " -f\n";
  return lines;
}

}  // namespace

std::string fish_completion(const CommandEntry& program) {
  std::string cases;
  std::string lines;
  for (const CommandEntry* command : program.all()) {
    for (const CommandEntry& below : command->commands) {
      cases += fmt::format("            case '{} {}'\n                set command '{}'\n",
                           command->path, below.name, below.path);
    }
    lines += lines_of(*command);
  }
  return fmt::format(R"~(# Completion of bptplr for fish, made by `bptplr completion fish`.
function __bptplr_at -d 'Whether the line has come to a command of bptplr'
    set -l command ''
    for word in (commandline -opc)[2..-1]
        switch "$command $word"
{}        end
    end
    test "$command" = "$argv[1]"
end

{})~",
                     cases, lines);
}

}  // namespace bptplr
