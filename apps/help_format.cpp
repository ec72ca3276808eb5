#include "apps/help_format.hpp"

#include <algorithm>
#include <utility>

#include "apps/terminal/terminal.hpp"
#include "apps/terminal/text_layout.hpp"

namespace bptplr {
namespace {

/// Column at which the explanations of flags begin: no more than leaves them half of the line.
constexpr std::size_t kExplanation = 36;

}  // namespace

HelpFormat::HelpFormat() : columns_(terminal_columns()) {
  column_width(std::min(kExplanation, columns_ * 2 / 5));
}

/// Returns a name and beside it, or below where there is no room, what it is about.
std::string HelpFormat::entry(const std::string& name, const std::string& about) const {
  const std::size_t begin = get_column_width();
  std::string text = wrap("  " + name, columns_, 6);
  const std::size_t used = width_of(text.substr(text.rfind('\n') + 1));
  if (!about.empty()) {
    const bool beside = text.find('\n') == std::string::npos && used + 1 <= begin;
    const std::string blanks(beside ? begin - used : begin, ' ');
    // The name counts as blanks while the explanation is broken, so that it stays as it is.
    const std::string explained = wrap(std::string(begin, ' ') + about, columns_, begin);
    text += (beside ? blanks : "\n" + blanks) + explained.substr(begin);
  }
  return text + "\n";
}

std::string HelpFormat::make_option(const CLI::Option* option, bool is_positional) const {
  return entry(make_option_name(option, is_positional) + make_option_opts(option),
               make_option_desc(option));
}

std::string HelpFormat::make_subcommand(const CLI::App* command) const {
  return entry(command->get_display_name(true), command->get_description());
}

std::string HelpFormat::make_description(const CLI::App* command) const {
  return wrap(CLI::Formatter::make_description(command), columns_);
}

std::string HelpFormat::make_usage(const CLI::App* command, std::string name) const {
  return wrap(CLI::Formatter::make_usage(command, std::move(name)), columns_, 2);
}

std::string HelpFormat::make_footer(const CLI::App* command) const {
  return wrap(CLI::Formatter::make_footer(command), columns_);
}

}  // namespace bptplr
