// The fields of a Recipe as command-line flags.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

class RecipeFlags {
 public:
  /// Adds --recipe, --resume and a flag for each field, under the fields' headings. This object
  /// must outlive the parsing.
  void add_to(CLI::App& command);
  /// Adds flags for some fields only, for a command that has no use for the others.
  void add_to(CLI::App& command, std::span<const std::string_view> fields);
  /// Adds --recipe and a flag for each field but some, for a command that makes several runs.
  void add_without(CLI::App& command, std::span<const std::string_view> left_out);
  /// The recipe that the parsed flags mean; with --resume they come on top of that of the run in
  /// --out, where there is one. Throws Error for a recipe that cannot be read.
  Recipe recipe() const;
  /// What --recipe names; empty without it.
  const std::string& base() const { return recipe_; }
  /// The fields that the user named.
  const nlohmann::json& given() const { return given_; }
  /// Whether the user named this field's flag.
  bool names(const std::string& field) const { return given_.contains(field); }
  /// Whether to go on with the run in --out.
  bool resume() const { return resume_; }

 private:
  void add_recipe(CLI::App& command);
  void add_field(CLI::App& command, const RecipeField& field);

  std::string recipe_;
  bool resume_ = false;
  nlohmann::json given_ = nlohmann::json::object();
};

}  // namespace bptplr
