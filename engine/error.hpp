// Exception type of the project.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace bptplr {

/// Error that stops the program because of its input or environment. The message is one sentence:
/// what was wrong, where, and what to do. The `bptplr` command prints it and exits with code 1.
class Error : public std::runtime_error {
 public:
  template <class... Args>
  explicit Error(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

/// Throws Error unless `condition` holds. The arguments are formatted only then.
template <class... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) throw Error(format, std::forward<Args>(args)...);
}

}  // namespace bptplr
