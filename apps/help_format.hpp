// Lays out --help for the width of the terminal.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace bptplr {

/// CLI11's layout with sentences broken between words, which CLI11 leaves to the terminal.
class HelpFormat : public CLI::Formatter {
 public:
  HelpFormat();
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_description(const CLI::App* command) const override;
  std::string make_usage(const CLI::App* command, std::string name) const override;
  std::string make_footer(const CLI::App* command) const override;

 private:
  std::string entry(const std::string& name, const std::string& about) const;

  std::size_t columns_;
};

}  // namespace bptplr
