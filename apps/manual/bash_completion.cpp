#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/manual/manual.hpp"

namespace bptplr {
namespace {

/// What the script does at a flag or argument: `values` are words to choose from, `files` says
/// whether names of files are completed too.
std::string offer(const FlagEntry& flag) {
  return fmt::format("values='{}'{}", fmt::join(flag.choices, " "), flag.is_path ? " files=1" : "");
}

/// Returns the pattern of a case: every name of the flag behind the command.
std::string pattern(const CommandEntry& command, const FlagEntry& flag) {
  std::string names;
  for (const std::string& name : flag.names) {
    names += fmt::format("{}'{} {}'", names.empty() ? "" : " | ", command.path, name);
  }
  return names;
}

/// Returns the cases that follow the words of the line from command to command.
std::string command_cases(const CommandEntry& program) {
  std::string cases;
  for (const CommandEntry* command : program.all()) {
    for (const CommandEntry& below : command->commands) {
      cases +=
          fmt::format("      '{} {}') command='{}' ;;\n", command->path, below.name, below.path);
    }
  }
  return cases;
}

std::string value_cases(const CommandEntry& program) {
  std::string cases;
  for (const CommandEntry* command : program.all()) {
    for (const FlagEntry& flag : command->flags) {
      if (flag.is_argument || flag.value.empty()) continue;
      cases += fmt::format("    {}) is_value=1 {} ;;\n", pattern(*command, flag), offer(flag));
    }
  }
  return cases;
}

/// Returns the cases for a word that is no value of a flag.
std::string word_cases(const CommandEntry& program) {
  std::string cases;
  for (const CommandEntry* command : program.all()) {
    std::string flags;
    FlagEntry argument;  // of several, files of any: which one the word is, is not counted
    for (const FlagEntry& flag : command->flags) {
      if (flag.is_argument) {
        argument.is_path |= flag.is_path;
        argument.choices.insert(argument.choices.end(), flag.choices.begin(), flag.choices.end());
      } else {
        flags += fmt::format("{}{}", flags.empty() ? "" : " ", fmt::join(flag.names, " "));
      }
    }
    for (const CommandEntry& below : command->commands) argument.choices.push_back(below.name);
    cases += fmt::format("      '{}') {} flags='{}' ;;\n", command->path, offer(argument), flags);
  }
  return cases;
}

}  // namespace

std::string bash_completion(const CommandEntry& program) {
  return fmt::format(R"~(# Completion of bptplr for bash, made by `bptplr completion bash`.
_bptplr() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
  local command='' values='' flags='' files='' is_value='' i
  # --flag=value comes as three words.
  if [[ $word == = ]]; then
    word=''
  elif [[ $previous == = ]]; then
    previous=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$command ${{COMP_WORDS[i]}}" in
{}    esac
  done
  case "$command $previous" in
{}  esac
  if [[ -z $is_value ]]; then
    case $command in
{}    esac
  fi
  [[ $word != -* || -n $is_value ]] || values=$flags files=''
  mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
  if [[ -n $files ]]; then
    mapfile -t -O ${{#COMPREPLY[@]}} COMPREPLY < <(compgen -f -- "$word")
    compopt -o filenames 2>/dev/null # folders end with /, and blanks are quoted
  fi
}}
complete -F _bptplr bptplr
)~",
                     command_cases(program), value_cases(program), word_cases(program));
}

}  // namespace bptplr
