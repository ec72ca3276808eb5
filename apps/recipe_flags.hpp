// The fields of a Recipe as command-line flags.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "bpt_plr/recipe.hpp"

namespace bptplr {

class RecipeFlags {
 public:
  /// Adds --recipe, --resume and a flag for each field, under the fields' headings. This object
  /// must outlive the parsing.
  void add_to(CLI::App& command);
  /// The recipe that the parsed flags mean; with --resume they come on top of that of the run in
  /// --out, where there is one. Throws Error for a recipe that cannot be read.
  Recipe recipe() const;
  /// Whether to go on with the run in --out.
  bool resume() const { return resume_; }

 private:
  void add_field(CLI::App& command, const RecipeField& field);

  std::string recipe_;
  bool resume_ = false;
  nlohmann::json given_ = nlohmann::json::object();  // the fields that the user named
};

}  // namespace bptplr
