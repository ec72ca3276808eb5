// Names of the values of an enumeration: the words of recipes, flags, checkpoints and error
// sentences. Each enumeration has a table beside it, as a function that is found by
// argument-dependent lookup:
//
//   enum class Shortcut { kIdentity, kActivated };
//   constexpr auto names_of(Shortcut) {
//     return std::to_array<NamedValue<Shortcut>>(
//         {{Shortcut::kIdentity, "identity"}, {Shortcut::kActivated, "activated"}});
//   }
#pragma once

#include <fmt/format.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bptplr {

/// Row of a table of names.
template <class E>
struct NamedValue {
  E value;
  std::string_view name;
};

/// Enumeration with a table of names.
template <class E>
concept Named = requires(E value) {
  names_of(value);
};

/// Returns the name of `value`. Throws std::logic_error where the table has no row for it.
template <Named E>
constexpr std::string_view name_of(E value) {
  for (const NamedValue<E>& row : names_of(value)) {
    if (row.value == value) return row.name;
  }
  throw std::logic_error("an enumeration's table of names lacks a value");
}

/// Returns the value called `name`; nullopt if there is none.
template <Named E>
constexpr std::optional<E> value_named(std::string_view name) {
  for (const NamedValue<E>& row : names_of(E{})) {
    if (row.name == name) return row.value;
  }
  return std::nullopt;
}

/// Returns all names in the order of the table.
template <Named E>
std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const NamedValue<E>& row : names_of(E{})) names.emplace_back(row.name);
  return names;
}

}  // namespace bptplr

/// Formats a value of a named enumeration as its name.
template <bptplr::Named E>
struct fmt::formatter<E> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(E value, Context& context) const {
    return fmt::formatter<std::string_view>::format(bptplr::name_of(value), context);
  }
};
