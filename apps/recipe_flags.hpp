// Reads the fields of a Recipe from command-line flags.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/other_data.hpp"
#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

class RecipeFlags {
 public:
  /// Adds --recipe, --resume and a flag for each field, under the fields' headings, and flags of
  /// the published scripts that do nothing. This object must outlive the parsing.
  void add_to(CLI::App& command);
  /// Adds flags for some fields only.
  void add_to(CLI::App& command, std::span<const std::string_view> fields);
  /// Adds --recipe and flags for all fields but some, for a command that makes several runs.
  void add_without(CLI::App& command, std::span<const std::string_view> left_out);
  /// Returns the recipe of the parsed flags; with --resume they override that of the run in --out,
  /// if there is one. Sets `left_out` to what yields to the data set. Throws Error for a recipe
  /// that cannot be read.
  Recipe recipe(LeftOut& left_out) const;
  /// Returns the value of --recipe; empty without it.
  const std::string& base() const { return recipe_; }
  /// Returns the fields that the user set.
  const nlohmann::json& given() const { return given_; }
  /// Returns whether the user set the flag of this field.
  bool names(const std::string& field) const { return given_.contains(field); }
  /// Returns whether to resume the run in --out.
  bool resume() const { return resume_; }

 private:
  void add_recipe(CLI::App& command);
  void add_field(CLI::App& command, const RecipeField& field);

  std::string recipe_;
  bool resume_ = false;
  nlohmann::json given_ = nlohmann::json::object();
};

/// Prints each sentence once, as a warning.
void print_warnings(const std::vector<std::string>& sentences);

}  // namespace bptplr
