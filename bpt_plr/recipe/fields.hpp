// Fields of a Recipe by name: one table from which JSON, the command-line flags and their help are
// generated.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bpt_plr/recipe/needs.hpp"
#include "bpt_plr/recipe/recipe.hpp"

namespace bptplr {

/// Access to a field with one of several names: an enumeration of any type, or the method.
struct ChoicePointer {
  std::function<std::string_view(const Recipe&)> get;
  std::function<bool(Recipe&, std::string_view name)> set;  ///< returns false for an unknown name
  std::function<std::vector<std::string>()> names;

  ChoicePointer(decltype(get) getter, decltype(set) setter, decltype(names) all)
      : get(std::move(getter)), set(std::move(setter)), names(std::move(all)) {}
  template <Named E>
  ChoicePointer(E Recipe::*member)
      : get([member](const Recipe& recipe) { return name_of(recipe.*member); }),
        set([member](Recipe& recipe, std::string_view name) {
          const auto value = value_named<E>(name);
          if (value) recipe.*member = *value;
          return value.has_value();
        }),
        names(all_names<E>) {}
};

/// Pointer to a field of a Recipe.
using FieldPointer = std::variant<ChoicePointer, std::string Recipe::*, std::int64_t Recipe::*,
                                  double Recipe::*, bool Recipe::*>;

/// What the flag of a field takes beside what the type of the field says.
enum class Takes {
  kPlainValue,
  kNothing,  ///< the flag sets a bool
  kPath      ///< the text names a file or folder
};

/// Recipe field; its name is the JSON key and, after "--", the flag.
struct RecipeField {
  const char* name;
  const char* group;  ///< heading in --help
  const char* help;
  FieldPointer pointer;
  Needs needs = {};                  ///< what makes training read the field
  Takes takes = Takes::kPlainValue;  ///< what its flag takes

  /// Returns the names that the field may hold; empty if it is not a choice.
  std::vector<std::string> choices() const;
};

/// Group of the fields that define where a run computes and writes.
inline constexpr std::string_view kMachineGroup = "Machine";
/// Returns whether a field can change results by more than rounding differs between machines.
bool changes_results(const RecipeField& field);

/// Returns all fields in the order of the documentation.
const std::vector<RecipeField>& recipe_fields();

/// Returns the field called `name`. Throws Error naming `origin` (such as a file) if there is none.
const RecipeField& find_field(std::string_view name, std::string_view origin);

}  // namespace bptplr
