// What CLI11 leaves to be desired of a command line: flags spelled with -, empty values, and
// sentences that help with typing errors.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace bptplr {

/// Returns the arguments as CLI11 should read them: --batch-size as --batch_size, and --out= as
/// --out with an empty value, for which CLI11 would take the next argument. Throws CLI::ParseError
/// for a flag without its value, and for one with = that takes none.
std::vector<std::string> read_arguments(const CLI::App& app, int argc, const char* const* argv);

/// Makes an empty value of an option for a number or a truth value an error, in all subcommands;
/// CLI11 would read it as 0 or false.
void refuse_empty_numbers(CLI::App& app);

/// Returns the subcommand that the command line names, however deep; `app` if there is none.
const CLI::App& chosen_command(const CLI::App& app);

/// Returns a sentence about an invalid command line, which names the likeliest flag or subcommand.
std::string usage_sentence(const CLI::App& app, const CLI::ParseError& error);

}  // namespace bptplr
