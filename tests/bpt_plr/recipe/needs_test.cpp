// Which fields training reads: the sentences about flags without effect, and that they are right.
#include "bpt_plr/recipe/needs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/trainer.hpp"
#include "tests/bpt_plr/small_recipe.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

Recipe resolved(const std::string& method, const Json& changes = Json::object()) {
  Recipe recipe = small_recipe(method);
  recipe.num_epochs = method == "longremix" ? 8 : 3;
  recipe.run_length = 1;
  update_recipe(recipe, changes, "test");
  resolve(recipe);
  return recipe;
}

std::set<std::string> unread_fields(const Recipe& recipe) {
  std::set<std::string> names;
  for (const RecipeField& field : recipe_fields()) {
    if (unmet_need(recipe, field.name) != nullptr) names.insert(field.name);
  }
  return names;
}

/// Another value of a field, which its checks allow.
Json other_value(const RecipeField& field, const Json& value) {
  if (!field.choices().empty()) {
    const auto choices = field.choices();
    return choices.front() == value.get<std::string>() ? choices.back() : choices.front();
  }
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>() + 1;
  if (value.is_number()) return value.get<double>() == 0.0 ? 0.5 : value.get<double>() * 0.75;
  const std::string name = field.name;
  return name == "kappa" ? "0:1" : name == "lr_steps" ? "1:3" : "somewhere";
}

/// Networks after training, and the accuracies on the way.
std::pair<TensorMap, std::vector<double>> trained(const Recipe& recipe) {
  TrainingObserver nobody;
  const TrainingData data = load_training_data(recipe);
  Trainer trainer(recipe, data, nobody);
  EXPECT_TRUE(trainer.run());
  const Checkpoint end = trainer.checkpoint();
  return {end.tensors, end.accuracies};
}

TEST(Needs, NoMethodReadsWhatItIsSaidNotToRead) {
  for (const std::string& method : method_names()) {
    SCOPED_TRACE(method);
    const Recipe recipe = resolved(method);
    Json changes;
    const Json values = to_json(recipe);
    for (const RecipeField& field : recipe_fields()) {
      if (unmet_need(recipe, field.name) == nullptr) continue;
      // At least as filter_tau 1 is.
      const bool must_grow = std::string(field.name) == "filter_tau";
      changes[field.name] = must_grow ? Json(9.0) : other_value(field, values[field.name]);
    }
    EXPECT_GT(changes.size(), 5U);
    const auto as_it_is = trained(recipe);
    const auto changed = trained(resolved(method, changes));
    EXPECT_EQ(as_it_is.second, changed.second);
    for (const auto& [name, tensor] : as_it_is.first) {
      ASSERT_TRUE(changed.first.contains(name)) << name;
      if (tensor.dtype() != DType::kFloat32) continue;
      EXPECT_TRUE(std::ranges::equal(tensor.to(Device{}).span<float>(),
                                     changed.first.at(name).to(Device{}).span<float>()))
          << name;
    }
  }
}

TEST(Needs, EachMethodReadsItsOwnFields) {
  const auto unread = [](const std::string& method) { return unread_fields(resolved(method)); };
  const std::set<std::string> ce = unread("ce");
  for (const char* field : {"warm_up", "lambda_u", "selection", "kappa", "gce_q", "tau", "lr"}) {
    const bool is_read = std::string(field) == "selection" || std::string(field) == "lr";
    EXPECT_EQ(ce.contains(field), !is_read) << field;
  }
  EXPECT_FALSE(unread("gce").contains("gce_q"));
  EXPECT_FALSE(unread("mixup").contains("mixup_alpha"));
  EXPECT_TRUE(unread("dividemix").contains("kappa"));
  EXPECT_TRUE(unread("dividemix").contains("lr_min_factor"));
  EXPECT_FALSE(unread("dividemix").contains("lr_steps"));
  EXPECT_FALSE(unread("longremix").contains("run_length"));
  EXPECT_TRUE(unread("unicon").contains("gmm_tol"));
  EXPECT_FALSE(unread("unicon").contains("d_mu"));
  EXPECT_TRUE(unread("plremix").contains("proto_threshold"));
  EXPECT_FALSE(unread("plremix").contains("pseudo_momentum"));
  for (const char* field : {"kappa", "tau", "proto_threshold", "warm_up", "gmm_tol", "lambda_c"}) {
    EXPECT_FALSE(unread("bptplr").contains(field)) << field;
  }
}

TEST(Needs, TheDataSetReadsItsOwnFields) {
  const std::set<std::string> shapes = unread_fields(resolved("bptplr"));
  EXPECT_TRUE(shapes.contains("image_size") && shapes.contains("human_set"));
  EXPECT_FALSE(shapes.contains("shapes_train") || shapes.contains("r"));
  const std::set<std::string> folder = unread_fields(
      resolved("bptplr", {{"dataset", "folder"}, {"data_path", "x"}, {"image_size", 32}}));
  EXPECT_TRUE(folder.contains("shapes_train") && folder.contains("r"));
  EXPECT_FALSE(folder.contains("image_size") || folder.contains("data_path"));
}

TEST(Needs, AWarningNamesFlagMethodAndReason) {
  const Recipe ce = resolved("ce");
  const Recipe bptplr = resolved("bptplr");
  EXPECT_EQ(
      unread_warnings(std::vector{ce}, {{"tau", 2.0}, {"lr", 0.1}}),
      (std::vector<std::string>{
          "--tau changes nothing in the training of method ce, as selection is none; leave it "
          "out, or choose another selection"}));
  EXPECT_TRUE(unread_warnings(std::vector{ce, bptplr}, {{"tau", 2.0}}).empty())
      << "one of those compared reads it";
}

}  // namespace
}  // namespace bptplr
