#include <fmt/format.h>

#include <algorithm>

#include "apps/manual/manual.hpp"

namespace bptplr {
namespace {

/// Returns `text` as troff shows it: no escapes, no requests, and - as it is typed.
std::string plain(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (result.empty() && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

std::string bold(const std::string& text) {
  return "\\fB" + plain(text) + "\\fR";
}

std::string slanted(const std::string& text) {
  return "\\fI" + plain(text) + "\\fR";
}

std::string heading(const FlagEntry& flag) {
  std::string names;
  for (const std::string& name : flag.names) {
    names += (names.empty() ? "" : ", ") + (flag.is_argument ? slanted(name) : bold(name));
  }
  if (flag.is_argument || flag.value.empty()) return names + (flag.repeats ? " ..." : "");
  std::string text = names + " " + slanted(flag.value);
  if (flag.repeats && flag.value.find(' ') == std::string::npos) text += " ...";
  return text + (flag.usual.empty() ? "" : " (" + plain(flag.usual) + ")");
}

std::string entry(const FlagEntry& flag) {
  return fmt::format(".TP\n{}\n{}\n", heading(flag), plain(flag.about));
}

bool is_help(const FlagEntry& flag) {
  return std::ranges::count(flag.names, "--help") > 0;
}

std::string usage(const CommandEntry& command) {
  std::string text = bold("bptplr" + (command.path.empty() ? "" : " " + command.path));
  for (const FlagEntry& flag : command.flags) {
    if (flag.is_argument) text += " " + heading(flag);
  }
  return text +
         (command.commands.empty() ? " [" + slanted("FLAG") + " ...]" : " " + slanted("COMMAND"));
}

/// Returns the section of a command. Flags that `train` has in the same way are only named.
std::string section(const CommandEntry& command, const CommandEntry* train) {
  std::string text = fmt::format(".SS {}\n{}\n.PP\n{}\n", plain(command.path), usage(command),
                                 plain(command.about));
  std::string group;
  std::string shared;
  for (const FlagEntry& flag : command.flags) {
    if (is_help(flag)) continue;
    if (train != nullptr && std::ranges::count(train->flags, flag) > 0) {
      shared += (shared.empty() ? "" : ", ") + bold(flag.names.front());
      continue;
    }
    // Arguments and flags without a heading of their own come first, under none.
    if (!flag.is_argument && flag.group != group && flag.group != "Options" &&
        flag.group != "OPTIONS") {
      group = flag.group;
      text += fmt::format(".PP\n{}\n", bold(group));
    }
    text += entry(flag);
  }
  if (!shared.empty()) text += fmt::format(".PP\nAs {}: {}\n", bold("train"), shared);
  if (!command.footer.empty()) text += fmt::format(".PP\n{}\n", plain(command.footer));
  return text;
}

constexpr const char* kEnd = R"~(.SH EXIT STATUS
.TP
0
done
.TP
1
an error, explained in one sentence
.TP
2
wrong usage
.TP
3
training stopped early, with a checkpoint to go on from
.SH SEE ALSO
The documents that come with the program: README.md and docs/.
)~";

}  // namespace

std::string man_page(const CommandEntry& program, const std::string& version) {
  std::string text = fmt::format(
      ".\\\" Made by `bptplr man`.\n.TH BPTPLR 1 \"\" \"bptplr {}\" \"User Commands\"\n.SH NAME\n"
      "bptplr \\- {}\n.SH SYNOPSIS\n{}\n.SH DESCRIPTION\n{}\n.SH FLAGS\n",
      plain(version),
      "train image classifiers through wrong labels, and tell which labels are wrong",
      usage(program), plain(program.about + " Values in brackets are defaults."));
  for (const FlagEntry& flag : program.flags) text += entry(flag);
  text += ".SH COMMANDS\n";
  const auto commands = program.all();
  const auto train = std::ranges::find(commands, "train", &CommandEntry::path);
  for (const CommandEntry* command : commands) {
    if (!command->commands.empty()) continue;  // those below it say it all
    const bool is_train = train != commands.end() && command == *train;
    text += section(*command, is_train || train == commands.end() ? nullptr : *train);
  }
  return text + kEnd;
}

}  // namespace bptplr
