// Command-line flag for a value of an enumeration.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "engine/names.hpp"

namespace bptplr {

/// Adds a flag that sets `value` by its name; `value` must outlive the parsing.
template <Named E>
void add_choice(CLI::App& command, const std::string& flag, E& value, const std::string& help) {
  command
      .add_option_function<std::string>(
          flag, [&value](const std::string& name) { value = value_named<E>(name).value(); }, help)
      ->check(CLI::IsMember(all_names<E>()));
}

}  // namespace bptplr
