// Exception type of the project.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "engine/text.hpp"

namespace bptplr {

/// Error that stops the program because of its input or environment. The message is one sentence:
/// what was wrong, where, and what to do. The `bptplr` command prints it and exits with code 1.
/// What a sentence quotes may come from a stranger: it is made fit to be shown (sentence_of).
class Error : public std::runtime_error {
 public:
  template <class... Args>
  explicit Error(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(sentence_of(fmt::format(format, std::forward<Args>(args)...))) {}
};

/// Throws Error unless `condition` holds. The arguments are formatted only then.
template <class... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) throw Error(format, std::forward<Args>(args)...);
}

}  // namespace bptplr
