// Tables of the kinds of an exchangeable part of the method: one row for each kind.
#pragma once

#include <algorithm>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>

#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Function that creates a part from a resolved recipe.
template <class Part>
using PartFactory = std::unique_ptr<Part>(const Recipe& recipe);

/// Row of a table: the kind's value in a recipe and the function that creates the part.
template <class Part, class Kind>
struct PartRow {
  Kind kind;
  PartFactory<Part>* make;
};

/// Creates a part of type `Type` by its constructor from the recipe.
template <class Part, class Type>
std::unique_ptr<Part> make_part(const Recipe& recipe) {
  return std::make_unique<Type>(recipe);
}

/// Creates the part of a kind. Throws std::logic_error if the table has no row for it.
template <class Kind>
auto make_from(const std::ranges::range auto& table, Kind kind, const Recipe& recipe) {
  for (const auto& row : table) {
    if (row.kind == kind) return row.make(recipe);
  }
  throw std::logic_error("there is no part " + std::string(name_of(kind)));
}

}  // namespace bptplr
