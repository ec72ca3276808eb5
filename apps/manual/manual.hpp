// The manual and the completion of shells, as text made from the table of flags.
#pragma once

#include <string>

#include "apps/manual/flag_table.hpp"

namespace bptplr {

/// Returns the page bptplr(1) for man.
std::string man_page(const CommandEntry& program, const std::string& version);

/// Return the script that completes `bptplr` in that shell: commands, flags, their choices, and
/// files where a flag takes a path.
std::string bash_completion(const CommandEntry& program);
std::string zsh_completion(const CommandEntry& program);
std::string fish_completion(const CommandEntry& program);

}  // namespace bptplr
