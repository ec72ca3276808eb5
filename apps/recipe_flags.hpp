// The fields of a Recipe as command-line flags.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "bpt_plr/recipe.hpp"

namespace bptplr {

class RecipeFlags {
 public:
  /// Adds --recipe and a flag for each field, under the fields' headings. This object must outlive
  /// the parsing.
  void add_to(CLI::App& command);
  /// The recipe that the parsed flags mean. Throws Error for a recipe that cannot be read.
  Recipe recipe() const;

 private:
  void add_field(CLI::App& command, const RecipeField& field);

  std::string recipe_;
  nlohmann::json given_ = nlohmann::json::object();  // the fields that the user named
};

}  // namespace bptplr
