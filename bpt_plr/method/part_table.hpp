// The kinds of an exchangeable part of the method, by the word that names them in a recipe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "engine/error.hpp"

namespace bptplr {

/// Makes a part as a resolved recipe wants it.
template <class Part>
using PartFactory = std::function<std::unique_ptr<Part>(const Recipe&)>;

/// The factory of a Kind that is constructed from the recipe.
template <class Part, class Kind>
std::unique_ptr<Part> make_part(const Recipe& recipe) {
  return std::make_unique<Kind>(recipe);
}

template <class Part>
class PartTable {
 public:
  using Row = std::pair<std::string, PartFactory<Part>>;

  /// `field` of the recipe holds the words.
  PartTable(const char* field, std::vector<Row> rows) : field_(field), rows_(std::move(rows)) {}

  /// Adds a kind, before the first recipe is read: the field's choices are asked for once.
  void add(std::string word, PartFactory<Part> factory) {
    rows_.emplace_back(std::move(word), std::move(factory));
  }

  /// Throws Error for a word that is none.
  std::unique_ptr<Part> make(const std::string& word, const Recipe& recipe) const {
    for (const auto& [name, factory] : rows_) {
      if (name == word) return factory(recipe);
    }
    throw Error("there is no {} '{}'", field_, word);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, factory] : rows_) all.push_back(name);
    return all;
  }
  /// With "none" at the end, for parts that a method may do without.
  std::vector<std::string> names_and_none() const {
    std::vector<std::string> all = names();
    all.emplace_back("none");
    return all;
  }

 private:
  const char* field_;
  std::vector<Row> rows_;
};

}  // namespace bptplr
