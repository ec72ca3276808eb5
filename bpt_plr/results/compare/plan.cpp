#include "bpt_plr/results/compare/plan.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/recipe/text.hpp"
#include "bpt_plr/train/checkpoint.hpp"
#include "engine/error.hpp"
#include "engine/io/json.hpp"
#include "engine/io/open_file.hpp"

namespace bptplr {
namespace {

/// Group of the fields that determine images and labels.
constexpr std::string_view kDataGroup = "Data";

bool is_method(const std::string& name) {
  return std::ranges::count(method_names(), name) > 0;
}

bool is_builtin(const std::string& name) {
  return std::ranges::any_of(builtin_recipes(),
                             [&](const BuiltinRecipe& recipe) { return name == recipe.name; });
}

std::string label_of(const std::string& name) {
  if (is_method(name) || is_builtin(name)) return name;
  std::string label = std::filesystem::path(name).stem().string();
  for (char& c : label) {
    // Bytes beyond ASCII belong to letters.
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 128 && std::isalnum(byte) == 0 &&
        std::string_view("._-+=").find(c) == std::string::npos)
      c = '_';
  }
  require(label != "." && label != "..", "a recipe file cannot be called {}; rename it", name);
  return label;
}

nlohmann::json fields_of(const std::string& name) {
  if (is_method(name)) return {{"method", name}};
  require(is_builtin(name) || path_exists(name),
          "there is neither a method, a built-in recipe nor a file '{}'; methods are {}, and "
          "`bptplr info` lists the recipes",
          name, fmt::join(method_names(), ", "));
  return read_recipe(name);
}

/// Fields of a recipe and its name.
struct NamedFields {
  std::string name;
  nlohmann::json fields;
};

/// Composes a recipe of what is common, its own fields and the flags, without what yields to the
/// data set.
LabelledRecipe label_recipe(const std::string& label, NamedFields common, NamedFields own,
                            const nlohmann::json& flags) {
  const auto compose = [&] {
    nlohmann::json fields = common.fields;
    fields.update(own.fields);
    return compose_recipe(fields, own.name, flags);
  };
  const DatasetKind dataset = compose().dataset;
  LeftOut left_out = leave_to_data(common.fields, common.name, dataset, flags);
  const LeftOut of_own = leave_to_data(own.fields, own.name, dataset, flags);
  left_out.sentences.insert(left_out.sentences.end(), of_own.sentences.begin(),
                            of_own.sentences.end());
  if (of_own.num_class != 0) left_out.num_class = of_own.num_class;
  return {label, compose(), std::move(left_out)};
}

}  // namespace

std::vector<LabelledRecipe> label_recipes(std::span<const std::string> names,
                                          const std::string& common, const nlohmann::json& flags) {
  const nlohmann::json below = common.empty() ? nlohmann::json::object() : read_recipe(common);
  compose_recipe(below, common,
                 nlohmann::json::object());  // names `below` in the error if it is wrong
  std::vector<LabelledRecipe> labelled;
  for (const std::string& name : names) {
    const std::string label = label_of(name);
    const auto same = std::ranges::find(labelled, label, &LabelledRecipe::label);
    require(same == labelled.end(),
            "two of what is to be compared are called {}; rename one of the files", label);
    require(!is_method(name) || !flags.contains("method"),
            "{} is a method, so that --method is said already; leave it out", name);
    const nlohmann::json own = fields_of(name);
    compose_recipe(own, name, nlohmann::json::object());
    labelled.push_back(label_recipe(label, {common, below}, {name, own}, flags));
  }
  return labelled;
}

std::vector<std::int64_t> parse_seeds(const std::string& text) {
  std::vector<std::int64_t> seeds = parse_integers(text, "seeds");
  require(!seeds.empty(), "seeds is empty; name at least one, e.g. --seeds 1,2,3");
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    require(std::find(seeds.begin(), seeds.begin() + i, seeds[i]) == seeds.begin() + i,
            "seeds is '{}', which has {} twice", text, seeds[i]);
  }
  return seeds;
}

void require_same_recipe(Recipe asked, const Recipe& was, const std::string& origin) {
  if (asked.num_class == 0) asked.num_class = was.num_class;
  if (asked.feature_dim == 0) asked.feature_dim = was.feature_dim;
  resolve(asked);
  const auto now = to_json(asked);
  const auto then = to_json(was);
  for (const char* field : {"num_epochs", "noise_file", "pretrained"}) {
    require(now.at(field) == then.at(field),
            "{} is {}, but the run in {} has {}; keep to that, or choose another --out", field,
            to_text(now.at(field)), origin, to_text(then.at(field)));
  }
  require_same_run(asked, was, origin);
}

std::vector<std::string> data_differences(const Recipe& a, const Recipe& b) {
  const auto json_a = to_json(a);
  const auto json_b = to_json(b);
  std::vector<std::string> fields;
  for (const RecipeField& field : recipe_fields()) {
    if (field.group == kDataGroup && json_a.at(field.name) != json_b.at(field.name)) {
      fields.emplace_back(field.name);
    }
  }
  return fields;
}

void require_same_data(std::span<const ComparedRun> runs, const ComparedRun& run) {
  for (const ComparedRun& other : runs) {
    if (other.recipe.seed != run.recipe.seed) continue;
    const std::vector<std::string> fields = data_differences(run.recipe, other.recipe);
    if (other.data_hash_format != run.data_hash_format) {
      // Hashes of different formats cannot be compared, so the fields that choose the data are.
      require(
          fields.empty(),
          "with seed {} it is not known whether {} trains on the images and labels of {}, which "
          "an earlier version trained (other fields: {}); give its fields as flags, which "
          "count for all, or choose another --out",
          run.recipe.seed, run.label, other.label, fmt::join(fields, ", "));
      continue;
    }
    if (other.data_hash == run.data_hash) continue;
    throw Error(
        "with seed {} {} does not train on the images and labels of {} ({}); compare on the same "
        "data: give its fields as flags, which count for all",
        run.recipe.seed, run.label, other.label,
        fields.empty() ? "the files have changed"
                       : fmt::format("other fields: {}", fmt::join(fields, ", ")));
  }
}

}  // namespace bptplr
