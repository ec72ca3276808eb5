// What the parser knows of commands and flags, as plain data: --help, the manual and the completion
// of shells say the same.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace bptplr {

/// Flag, or argument without a flag.
struct FlagEntry {
  std::vector<std::string> names;  ///< with their dashes; of an argument its name alone
  std::string value;               ///< what --help calls its value; empty: it takes none
  std::string about;
  std::string usual;                 ///< default; empty where there is none to tell
  std::string group;                 ///< heading in --help
  std::vector<std::string> choices;  ///< words that it may be, all or, if `is_path`, some of them
  bool is_path = false;              ///< whether it may name a file or folder
  bool is_argument = false;
  bool repeats = false;  ///< whether several values may follow

  bool operator==(const FlagEntry&) const = default;
};

struct CommandEntry {
  std::string name;
  std::string path;  ///< what comes after `bptplr`: "cache list"; empty for the program itself
  std::string about;
  std::string footer;
  std::vector<FlagEntry> flags;  ///< of the command itself, arguments among them; hidden ones not
  std::vector<CommandEntry> commands;

  /// Returns the command itself and all below it, in the order of --help.
  std::vector<const CommandEntry*> all() const;
};

/// Returns the commands below `app`, hidden ones left out.
CommandEntry read_flags(const CLI::App& app);

}  // namespace bptplr
