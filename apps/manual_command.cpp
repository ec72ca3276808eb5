// `bptplr man` and `bptplr completion SHELL`: write the manual and the completion of shells, which
// packages install. --help does not show these two.
#include <array>
#include <memory>
#include <string>

#include "apps/build_info.hpp"
#include "apps/choice_flag.hpp"
#include "apps/commands.hpp"
#include "apps/manual/manual.hpp"
#include "apps/terminal/terminal.hpp"

namespace bptplr {
namespace {

struct Shell {
  const char* name;
  std::string (*script)(const CommandEntry&);
};
constexpr std::array kShells{Shell{"bash", bash_completion}, Shell{"zsh", zsh_completion},
                             Shell{"fish", fish_completion}};

}  // namespace

void add_manual_commands(CLI::App& app, Action& action) {
  CLI::App* man = app.add_subcommand("man", "Write the page of the manual, for man.")->group("");
  man->callback([&app, &action] {
    action = [&app] {
      say(man_page(read_flags(app), build_info().version));
      return 0;
    };
  });

  CLI::App* completion =
      app.add_subcommand("completion", "Write the script that completes bptplr in a shell.");
  completion->group("");
  std::vector<std::string> names;
  for (const Shell& shell : kShells) names.emplace_back(shell.name);
  const auto chosen = std::make_shared<std::string>();
  completion->add_option("SHELL", *chosen, "bash, zsh or fish")->required()->check(one_of(names));
  completion->callback([&app, &action, chosen] {
    action = [&app, chosen] {
      for (const Shell& shell : kShells) {
        if (*chosen == shell.name) say(shell.script(read_flags(app)));
      }
      return 0;
    };
  });
}

}  // namespace bptplr
