// Tables of the kinds of an exchangeable part of the method: one row a kind.
#pragma once

#include <algorithm>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Makes a part as a resolved recipe wants it.
template <class Part>
using PartFactory = std::unique_ptr<Part>(const Recipe& recipe);

/// One kind of a part: its value in a recipe and what makes it.
template <class Part, class Kind>
struct PartRow {
  Kind kind;
  PartFactory<Part>* make;
};

/// Makes a part of type `Type`, which is constructed from the recipe.
template <class Part, class Type>
std::unique_ptr<Part> make_part(const Recipe& recipe) {
  return std::make_unique<Type>(recipe);
}

/// Makes the part of that kind. Throws std::logic_error where the table has no row for it.
template <class Kind>
auto make_from(const std::ranges::range auto& table, Kind kind, const Recipe& recipe) {
  for (const auto& row : table) {
    if (row.kind == kind) return row.make(recipe);
  }
  throw std::logic_error("there is no part " + std::string(name_of(kind)));
}

}  // namespace bptplr
