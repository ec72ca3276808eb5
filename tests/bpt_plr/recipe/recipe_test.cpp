// The recipe table: JSON in and out, presets, precedence, checks.
#include "bpt_plr/recipe/recipe.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/checks.hpp"
#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/recipe/schedules.hpp"
#include "bpt_plr/recipe/text.hpp"
#include "engine/error.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

/// What resolve says about the shapes recipe with `changes`.
std::string resolve_error(const Json& changes) {
  return message_of([&] {
    Recipe recipe = compose_recipe({{"dataset", "shapes"}}, "base", changes);
    resolve(recipe);
  });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Recipe, EveryFieldIsDocumentedOnce) {
  std::set<std::string> names;
  for (const RecipeField& field : recipe_fields()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_GT(std::string(field.help).size(), 8U) << field.name;
  }
  EXPECT_EQ(names.size(), to_json(Recipe{}).size());
}

TEST(Recipe, JsonRoundTrip) {
  // Changes every field, so that one missing from the table, or one that points to another's
  // place, is seen.
  const Json defaults = to_json(Recipe{});
  Json changed;
  for (const RecipeField& field : recipe_fields()) {
    const Json& usual = defaults[field.name];
    if (!field.choices().empty()) {
      changed[field.name] = field.choices().back();
    } else if (usual.is_string()) {
      changed[field.name] = std::string("text of ") + field.name;
    } else if (usual.is_boolean()) {
      changed[field.name] = !usual.get<bool>();
    } else {
      changed[field.name] = usual.get<double>() + 3.0 + static_cast<double>(changed.size());
      if (usual.is_number_integer()) changed[field.name] = changed[field.name].get<std::int64_t>();
    }
  }
  Recipe recipe;
  update_recipe(recipe, changed, "test");
  EXPECT_EQ(Json(to_json(recipe)), changed);
  Recipe again;
  update_recipe(again, to_json(recipe), "test");
  EXPECT_EQ(again, recipe);
}

TEST(Recipe, ThePaperPresetOfTheMethodIsTheDefault) {
  EXPECT_NE(method_recipe("bptplr", Preset::kReference), Recipe{});
  EXPECT_EQ(method_recipe("bptplr", Preset::kPaper), Recipe{});
  EXPECT_EQ(method_recipe("bptplr"), Recipe{});
}

TEST(Recipe, TheReferencePresetIsThePublishedScript) {
  const Recipe recipe = method_recipe("bptplr", Preset::kReference);
  EXPECT_EQ(recipe.preset, Preset::kReference);
  EXPECT_FALSE(recipe.warm_up_contrastive_grad);
  EXPECT_EQ(recipe.kappa, "0:3,40:2");
  EXPECT_EQ(recipe.class_set_rows, ClassSetRows::kSubset);
  EXPECT_EQ(recipe.proto_source, ProtoSource::kPeer);
  EXPECT_EQ(recipe.proto_target, ProtoTarget::kNetwork1);
}

TEST(Recipe, AMethodHasThePresetsThatItNames) {
  EXPECT_EQ(method_recipe("unicon").preset, Preset::kReference);
  EXPECT_EQ(method_recipe("unicon").jsd_base, JsdBase::kE);
  EXPECT_EQ(method_recipe("unicon", Preset::kPaper).jsd_base, JsdBase::kTwo);
  EXPECT_TRUE(contains(message_of([] { method_recipe("dividemix", Preset::kPaper); }),
                       "method dividemix has no preset 'paper'"));
  EXPECT_TRUE(contains(resolve_error({{"preset", "papre"}}),
                       "preset is 'papre', but must be one of: paper, reference"));
  EXPECT_TRUE(contains(message_of([] { method_recipe("dividemux"); }), "no method 'dividemux'"));
}

TEST(Recipe, EveryMethodIsValid) {
  std::set<std::string> names;
  for (const BuiltinRecipe& method : builtin_methods()) {
    SCOPED_TRACE(method.name);
    names.insert(method.name);
    EXPECT_GT(std::string(method.help).size(), 8U);
    Recipe recipe = compose_recipe(Json::object(), "", {{"method", method.name}});
    EXPECT_EQ(recipe.method, method.name);
    EXPECT_TRUE(deviations(recipe).empty());
    recipe.dataset = DatasetKind::kShapes;
    resolve(recipe);
    EXPECT_EQ(divides(recipe), recipe.networks == 2);
  }
  EXPECT_EQ(names, (std::set<std::string>{"bptplr", "ce", "dividemix", "gce", "longremix", "mixup",
                                          "plremix", "unicon"}));
}

TEST(Recipe, TheMethodOfTheCommandLineLaysDownItsFields) {
  const Json file = {{"method", "dividemix"}, {"lambda_u", 0}, {"warm_up", 30}};
  const Recipe dividemix = compose_recipe(file, "file", Json::object());
  EXPECT_EQ(dividemix.selection, SelectionKind::kGmm);
  EXPECT_EQ(dividemix.lambda_u, 0.0) << "the file beats the method";
  const Recipe unicon = compose_recipe(file, "file", {{"method", "unicon"}});
  EXPECT_EQ(unicon.selection, SelectionKind::kUniform);
  EXPECT_EQ(unicon.warm_up, 30);
  EXPECT_EQ(unicon.num_epochs, 351);
}

TEST(Recipe, PrecedenceIsDefaultsPresetFileOverrides) {
  const Json file = {{"preset", "reference"}, {"kappa", "0:5"}, {"lr", 0.3}, {"r", 0.2}};
  const Recipe recipe = compose_recipe(file, "file", {{"r", 0.8}});
  EXPECT_EQ(recipe.proto_source, ProtoSource::kPeer);  // the preset that the file names
  EXPECT_EQ(recipe.kappa, "0:5");                      // the file beats the preset
  EXPECT_EQ(recipe.lr, 0.3);
  EXPECT_EQ(recipe.r, 0.8);  // the command line beats the file
  EXPECT_EQ(recipe.batch_size, Recipe{}.batch_size);

  const Recipe paper = compose_recipe(file, "file", {{"preset", "paper"}});
  EXPECT_EQ(paper.proto_source, ProtoSource::kOwn);  // the preset of the command line
  EXPECT_EQ(paper.kappa, "0:5");
  EXPECT_EQ(paper.preset, Preset::kPaper);

  const Recipe mixed = compose_recipe(
      Json::object(), "", {{"preset", "reference"}, {"proto_source", "own"}, {"kappa", "0:1"}});
  EXPECT_EQ(mixed.proto_source, ProtoSource::kOwn);
  EXPECT_EQ(mixed.kappa, "0:1");
  EXPECT_EQ(mixed.proto_target, ProtoTarget::kNetwork1);
}

TEST(Recipe, DeviationsNameWhatDiffersFromThePreset) {
  const Recipe recipe = compose_recipe(
      Json::object(), "", {{"preset", "reference"}, {"r", 0.25}, {"kappa", "0:1"}, {"threads", 1}});
  EXPECT_EQ(deviations(recipe), (std::vector<std::string>{"r=0.25", "kappa=0:1"}));
}

TEST(Recipe, BuiltinRecipesAreValid) {
  std::set<std::string> names;
  for (const BuiltinRecipe& builtin : builtin_recipes()) {
    SCOPED_TRACE(builtin.name);
    names.insert(builtin.name);
    EXPECT_GT(std::string(builtin.help).size(), 8U);
    Recipe recipe =
        compose_recipe(read_recipe(builtin.name), builtin.name, {{"data_path", "somewhere"}});
    resolve(recipe);
  }
  for (const char* name :
       {"cifar10-5000", "cifar10-sym20", "cifar10-sym50", "cifar10-sym80", "cifar10-sym90",
        "cifar10-asym40", "cifar10-sym50-published", "cifar10-asym40-published", "shapes-demo"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  const auto lambda_u = [](const char* name) { return read_recipe(name).at("lambda_u"); };
  EXPECT_EQ(lambda_u("cifar10-sym20"), 0);
  EXPECT_EQ(lambda_u("cifar10-sym50"), 25);
  EXPECT_EQ(lambda_u("cifar10-sym80"), 25);
  EXPECT_EQ(lambda_u("cifar10-sym90"), 50);
  EXPECT_EQ(lambda_u("cifar10-asym40"), 0);
  EXPECT_EQ(lambda_u("cifar10-sym50-published"), 30);
  EXPECT_EQ(lambda_u("cifar10-asym40-published"), 30);
}

TEST(Recipe, MalformedFieldsAreNamed) {
  const auto update_error = [](const Json& json) {
    return message_of([&] {
      Recipe recipe;
      update_recipe(recipe, json, "my.json");
    });
  };
  for (const auto& [json, part] : std::vector<std::pair<Json, std::string>>{
           {{{"lambda", 1}}, "'lambda'"},
           {{{"r", "half"}}, "r is \"half\", but must be a number"},
           {{{"width", 1.5}}, "width is 1.5, but must be a whole number"},
           {{{"seed", 18446744073709551615ULL}}, "seed"},
           {{{"method", "bpt_plr"}}, "method is 'bpt_plr', but must be one of: bptplr, ce, "},
           {{{"data_path", 7}}, "data_path is 7, but must be a text"},
           {{{"warm_up_contrastive_grad", 1}}, "must be true or false"},
           {Json::array({1}), "must be a JSON object"}}) {
    EXPECT_TRUE(contains(update_error(json), part)) << update_error(json);
    EXPECT_TRUE(contains(update_error(json), "my.json")) << update_error(json);
  }
}

TEST(Recipe, DataFieldsAreChosenByTheDataSet) {
  const auto resolved = [](const Json& changes) {
    Recipe recipe = compose_recipe({{"data_path", "x"}}, "base", changes);
    resolve(recipe);
    return recipe;
  };
  const Recipe cifar = resolved({{"dataset", "cifar10"}});
  EXPECT_EQ(cifar.num_class, 10);
  EXPECT_EQ(cifar.noise_mode, NoiseMode::kSym);
  EXPECT_EQ(cifar.image_size, 0);
  const Recipe animals = resolved({{"dataset", "animal10n"}});
  EXPECT_EQ(animals.num_class, 10);
  EXPECT_EQ(animals.noise_mode, NoiseMode::kNone);
  EXPECT_EQ(animals.image_size, 64);
  const Recipe clothes = resolved({{"dataset", "clothing1m"}});
  EXPECT_EQ(clothes.num_class, 14);
  EXPECT_EQ(clothes.image_size, 256);
  Recipe folder = resolved({{"dataset", "folder"}, {"noise_mode", "sym"}});
  EXPECT_EQ(folder.num_class, 0) << "only the files tell";
  EXPECT_EQ(folder.noise_mode, NoiseMode::kSym);
  folder.num_class = 2;  // as they told
  EXPECT_EQ(message_of([&] { resolve(folder); }), "") << "fewer classes than kappa are no error";
}

TEST(Recipe, FieldsThatDoNotFitTheDataSetAreNamed) {
  const auto error = [](const Json& changes) {
    return message_of([&] {
      Recipe recipe = compose_recipe({{"data_path", "x"}}, "base", changes);
      resolve(recipe);
    });
  };
  EXPECT_TRUE(contains(error({{"dataset", "clothing1m"}, {"num_class", 10}}), "14 classes"));
  EXPECT_TRUE(
      contains(error({{"dataset", "animal10n"}, {"test_split", 0.2}}), "test_split is for"));
  EXPECT_TRUE(contains(error({{"dataset", "folder"}, {"test_split", 1.0}}), "test_split is 1"));
  EXPECT_TRUE(contains(error({{"dataset", "folder"}, {"image_size", 4}}), "image_size is 4"));
  EXPECT_TRUE(contains(error({{"dataset", "folder"}, {"image_size", 20}}), "20 x 20"));
  EXPECT_TRUE(contains(error({{"dataset", "csv"}, {"crop", 80}}), "images of 64 x 64"));
  EXPECT_EQ(error({{"dataset", "csv"}, {"crop", 72}}), "");
  EXPECT_EQ(error({{"dataset", "folder"}, {"image_size", 20}, {"crop", 24}}), "");
  EXPECT_TRUE(contains(error({{"dataset", "csv"}, {"noise_mode", "asym"}}), "with csv"));
  EXPECT_TRUE(contains(error({{"dataset", "csv"}, {"data_path", ""}}), "the manifest"));
  EXPECT_TRUE(contains(error({{"dataset", "folder"}, {"on_bad_image", "ask"}}), "on_bad_image"));
}

TEST(Recipe, OutOfRangeFieldsAreNamed) {
  for (const auto& [changes, part] : std::vector<std::pair<Json, std::string>>{
           {{{"r", 1.5}}, "r is 1.5, but must lie in [0, 1]"},
           {{{"r", -0.1}}, "r is -0.1"},
           {{{"num_class", 100}}, "num_class is 100, but shapes has 10 classes"},
           {{{"crop", -1}}, "crop is -1"},
           {{{"crop_padding", 8192}}, "crop_padding is 8192"},
           {{{"crop", 41}}, "a crop of 41 x 41 pixels does not fit into images of 32 x 32"},
           {{{"crop", 20}}, "multiple of 8, not 20 x 20"},
           {{{"crop", 24}, {"arch", "vgg19_bn"}}, "at least 32 x 32 pixels, not 24 x 24"},
           {{{"crop", 24}, {"arch", "cnn9"}}, "at least 28 x 28 pixels, not 24 x 24"},
           {{{"batch_size", 0}}, "batch_size is 0"},
           {{{"num_epochs", 0}}, "num_epochs is 0"},
           {{{"warm_up", 0}}, "warm_up is 0"},
           {{{"seed", -1}}, "seed is -1"},
           {{{"lr", 0.0}}, "lr is 0"},
           {{{"T", 0.0}}, "T is 0"},
           {{{"lambda_u", -1.0}}, "lambda_u is -1"},
           {{{"momentum", 1.0}}, "momentum is 1"},
           {{{"blocks", "2,2,2"}}, "blocks is '2,2,2', but must be four numbers"},
           {{{"blocks", "2,2,2,"}}, "blocks is '2,2,2,'"},
           {{{"blocks", "2,2,2,0"}}, "blocks is '2,2,2,0'"},
           {{{"arch", "resnet50"}, {"blocks", "3,4"}}, "blocks is '3,4', but must be four numbers"},
           {{{"arch", "vgg19_bn"}, {"blocks", "1,1,1,1"}}, "vgg19_bn has no residual blocks"},
           {{{"arch", "cnn9"}, {"shortcut", "identity"}}, "cnn9 has no such choice"},
           {{{"arch", "cnn9"}, {"pool_side", 1}}, "pool_side is 1, but cnn9 has no such choice"},
           {{{"arch", "vgg19_bn"}, {"pool_side", 17}}, "pool_side is 17, but must lie in [1, 16]"},
           {{{"kappa", ""}}, "kappa is ''"},
           {{{"kappa", "5:3"}}, "must begin with epoch 0"},
           {{{"kappa", "0:0"}}, "whole numbers from 1 on"},
           {{{"kappa", "0:2.5"}}, "whole numbers from 1 on"},
           {{{"kappa", "0:2,0:1"}}, "its epochs must rise"},
           {{{"kappa", "0:2;1"}}, "EPOCH:VALUE"},
           {{{"lr_steps", "8:0"}}, "a divisor in lr_steps is 0"},
           {{{"noise_mode", "asym"}}, "noise_mode asym"},
           {{{"networks", 1}}, "selection is gmm_balanced, for which two networks must train"},
           {{{"networks", 3}}, "networks is 3"},
           {{{"selection", "none"}}, "both or neither must be none"},
           {{{"statistic", "none"}}, "both or neither must be none"},
           {{{"selection", "uniform"}}, "use statistic ce or jsd"},
           {{{"selection", "small_loss"}}, "use statistic ce or jsd"},
           {{{"exchange", "joint"}}, "exchange peer, not joint"},
           {{{"selection", "gmm_confident"}}, "needs the set that a first run finds"},
           {{{"method", "longremix"}, {"epoch_size", 50}}, "set epoch_size to 0"},
           {{{"method", "longremix"}, {"num_epochs", 20}}, "has 10 of 20 epochs, all of them"},
           {{{"method", "ce"}, {"second_run", "lr"}},
            "second_run is 'lr', but must be FIELD=VALUE"},
           {{{"second_run", "width=8"}}, "second_run changes width, which both runs share"},
           {{{"second_run", "lr=-1"}}, "lr is -1"},
           {{{"second_run", "selection=gmm_confident"}}, "but selection is gmm_balanced"},
           {{{"lambda_c", -1.0}}, "lambda_c is -1"},
           {{{"filter_tau", 0.5}}, "filter_tau is 0.5"},
           {{{"trust_below", 1.5}}, "trust_below is 1.5"},
           {{{"run_length", 0}}, "run_length is 0"},
           {{{"gce_q", 0.0}}, "gce_q is 0"},
           {{{"gce_q", 1.5}}, "gce_q is 1.5"},
           {{{"method", "gce"}, {"mixup_alpha", 1.0}}, "use plain_loss ce or mixup_alpha 0"},
           {{{"pseudo_momentum", -1.0}}, "pseudo_momentum is -1"},
           {{{"lr_steps", "150%:10"}}, "a percentage in it must lie in [0, 100]"},
           {{{"dataset", "cifar10"}}, "data_path is missing"}}) {
    EXPECT_TRUE(contains(resolve_error(changes), part)) << resolve_error(changes);
  }
  EXPECT_EQ(resolve_error({{"kappa", "0:11"}, {"r", 1.0}, {"lambda_u", 0}}), "");
}

TEST(Recipe, ClassSetsThatAlwaysMeetAreWarnedOf) {
  const auto warning = [](std::int64_t classes, const Json& changes = Json::object()) {
    Recipe recipe = compose_recipe({{"dataset", "folder"}, {"data_path", "x"}}, "base", changes);
    recipe.num_class = classes;
    resolve(recipe);
    return class_set_warning(recipe);
  };
  EXPECT_TRUE(contains(warning(2), "of 2 classes any two sets of so many have one in common"));
  EXPECT_TRUE(contains(warning(2),
                       "plr loss has no negatives and teaches nothing before epoch "
                       "70; try --kappa 0:1"));
  EXPECT_TRUE(contains(warning(5), "before epoch 40;"));
  EXPECT_TRUE(contains(warning(3, {{"kappa", "0:2"}}), "teaches nothing at all;"));
  EXPECT_TRUE(contains(warning(2, {{"method", "plremix"}}), "flat_plr loss"));
  EXPECT_EQ(warning(6), "");
  EXPECT_EQ(warning(2, {{"kappa", "0:1"}}), "");
  EXPECT_EQ(warning(2, {{"warm_up", 70}}), "") << "it begins with kappa 1";
  for (const char* without : {"dividemix", "unicon", "ce"}) {
    EXPECT_EQ(warning(2, {{"method", without}}), "") << without;
  }
}

TEST(Recipe, ResolveFillsInWhatIsLeftOpen) {
  const auto resolved = [](const Json& changes) {
    Recipe recipe = compose_recipe({{"dataset", "shapes"}}, "base", changes);
    resolve(recipe);
    return recipe;
  };
  EXPECT_EQ(resolved(Json::object()).lr_period, 380);
  EXPECT_EQ(resolved({{"num_epochs", 20}}).lr_period, 20);
  EXPECT_EQ(resolved({{"num_epochs", 20}, {"lr_period", 30}}).lr_period, 30);
  EXPECT_EQ(resolved({{"r", 0.9}}).loss_history, 5);
  EXPECT_EQ(resolved({{"method", "unicon"}, {"r", 0.9}}).loss_history, 1);
  EXPECT_EQ(resolved({{"method", "plremix"}}).lr_steps, "200:10");
  EXPECT_EQ(resolved({{"method", "dividemix"}}).lr_steps, "150:10");
  EXPECT_EQ(resolved({{"num_epochs", 20}, {"kappa", "0:3,12.5%:2,50%:1"}}).kappa, "0:3,2:2,10:1");
  EXPECT_EQ(resolved({{"r", 0.8}}).loss_history, 1);
  EXPECT_EQ(resolved(Json::object()).blocks, "2,2,2,2");
  EXPECT_EQ(resolved({{"arch", "resnet50"}}).blocks, "3,4,6,3");
  EXPECT_EQ(resolved({{"arch", "resnet50"}, {"blocks", "1,1,1,1"}}).blocks, "1,1,1,1");
  EXPECT_EQ(resolved({{"arch", "vgg19_bn"}}).blocks, "");
  EXPECT_NE(resolved({{"device", "auto"}}).device, DeviceChoice::kAuto);
  EXPECT_EQ(resolved({{"device", "cpu"}}).device, DeviceChoice::kCpu);
}

TEST(Recipe, OfARunBeforeThereWasAPoolSideIsThatOfThenAndNoOther) {
  nlohmann::json old = to_json(Recipe{});
  old["arch"] = "vgg19_bn";
  EXPECT_EQ(compose_recipe(old, "run", Json::object()).pool_side, 7) << "it says so";
  old.erase("pool_side");
  EXPECT_EQ(compose_recipe(old, "run", Json::object()).pool_side, 1);
  EXPECT_EQ(compose_recipe(old, "run", {{"pool_side", 7}}).pool_side, 7) << "asked for";
  old.erase("deterministic");  // older still
  EXPECT_EQ(compose_recipe(old, "run", Json::object()).pool_side, 1);
  old["arch"] = "cnn9";
  EXPECT_EQ(compose_recipe(old, "run", Json::object()).pool_side, 7);
  // A person's file names some fields: it means the published network.
  const Json some{{"arch", "vgg19_bn"}, {"width", 8}};
  EXPECT_EQ(compose_recipe(some, "file", Json::object()).pool_side, 7);
  EXPECT_EQ(compose_recipe(read_recipe("animal10n"), "animal10n", Json::object()).pool_side, 7);
}

TEST(Recipe, EpochsOfThePublishedLoops) {
  const auto epochs = [](const char* name) {
    return compose_recipe(read_recipe(name), name, Json::object()).num_epochs;
  };
  EXPECT_EQ(epochs("animal10n"), 201);
  EXPECT_EQ(epochs("clothing1m"), 101);
}

TEST(Recipe, SchedulesAndLearningRates) {
  const auto kappa = parse_schedule("0:3,40:2,70:1", "kappa");
  EXPECT_EQ(scheduled(kappa, 39, 9.0), 3.0);
  EXPECT_EQ(scheduled(kappa, 40, 9.0), 2.0);
  EXPECT_EQ(scheduled(kappa, 400, 9.0), 1.0);
  EXPECT_EQ(scheduled(parse_schedule("5:1", "x"), 4, 9.0), 9.0);
  EXPECT_EQ(parse_integers("2,-3,4", "x"), (std::vector<std::int64_t>{2, -3, 4}));

  Recipe recipe = compose_recipe({{"dataset", "shapes"}}, "base", Json::object());
  resolve(recipe);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 0), 0.02);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 190), (0.02 + 2e-4) / 2);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 380), 2e-4);
  EXPECT_GT(learning_rate(recipe, 400), 2e-4);
  recipe.lr_schedule = LrSchedule::kStep;
  recipe.lr_steps = "80:10,140:100";
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 79), 0.02);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 80), 0.002);
  EXPECT_DOUBLE_EQ(learning_rate(recipe, 200), 0.0002);
}

}  // namespace
}  // namespace bptplr
