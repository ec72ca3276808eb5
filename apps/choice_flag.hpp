// Command-line flag for a value of an enumeration.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bpt_plr/recipe/text.hpp"
#include "engine/names.hpp"

namespace bptplr {

/// Returns the check that a word is one of `names`.
inline CLI::Validator one_of(std::vector<std::string> names) {
  return {[names = std::move(names)](const std::string& word) {
            for (const std::string& name : names) {
              if (word == name) return std::string();
            }
            return fmt::format("'{}' is none of {}{}", word, fmt::join(names, ", "),
                               did_you_mean(word, names));
          },
          ""};
}

/// Adds a flag that sets `value` by its name; `value` must outlive the parsing.
template <Named E>
void add_choice(CLI::App& command, const std::string& flag, E& value, const std::string& help) {
  const auto names = all_names<E>();
  command
      .add_option_function<std::string>(
          flag, [&value](const std::string& name) { value = value_named<E>(name).value(); }, help)
      ->type_name(fmt::format("{}", fmt::join(names, "|")))
      ->check(one_of(names));
}

}  // namespace bptplr
