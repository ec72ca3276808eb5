// Traps of the command line of `bptplr train` and `compare`: what a recipe, a habit or another
// program's flag would do unasked, and the sentence about it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/io/json.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

const std::string kOnFolder =
    "--dataset folder --data_path set --width 4 --batch_size 16 --warm_up 1 --num_epochs 2 "
    "--subset 0 --image_size 16 --crop 0 --kappa 0:2 --p_threshold 0.1 --cache_dir cache ";

void write_set(const TemporaryFolder& folder) {
  write_class_folders(folder / "set/train", 4, 12);
  write_class_folders(folder / "set/test", 4, 3, 100);
}

Json config_of(const TemporaryFolder& folder, const std::string& run) {
  return parse_json(read_text(folder / (run + "/config.json")));
}

TEST(AppFlags, ARecipeForOtherDataAddsNoNoiseAndCountsNoClasses) {
  const TemporaryFolder folder;
  write_set(folder);
  const std::string train = "train --recipe cifar10-5000 " + kOnFolder;
  const AppResult result = run_app(folder, train + "--out run");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "its noise is left out (noise_mode sym, r 0.5)")) << result.err;
  EXPECT_TRUE(contains(result.err, "the recipe has num_class 10, but the data set folder has 4"))
      << result.err;
  EXPECT_EQ(config_of(folder, "run")["noise_mode"], "none");
  EXPECT_EQ(config_of(folder, "run")["num_class"], 4);
  EXPECT_EQ(config_of(folder, "run")["batch_size"], 16);
  // The same command resumes, and the folder's own recipe makes the run again.
  EXPECT_EQ(run_app(folder, train + "--out run --resume").exit_code, 0);
  const AppResult again = run_app(folder, "train --recipe run/config.json --out again");
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_FALSE(contains(again.err, "recipe")) << again.err;
  EXPECT_TRUE(read_text(folder / "run/model1.safetensors") ==
              read_text(folder / "again/model1.safetensors"));
  const AppResult insisted = run_app(folder, train + "--num_class 10 --out no");
  EXPECT_EQ(insisted.exit_code, 1);
  EXPECT_TRUE(contains(insisted.err, "num_class is 10, but folder")) << insisted.err;
}

TEST(AppFlags, NoiseOfTheCommandLineCountsAndIsMadeAgain) {
  const TemporaryFolder folder;
  write_set(folder);
  const AppResult result = run_app(
      folder, "train --recipe cifar10-5000 " + kOnFolder + "--noise_mode sym --r 0.3 --out run");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_FALSE(contains(result.err, "noise is left out")) << result.err;
  EXPECT_EQ(config_of(folder, "run")["r"], 0.3);
  const AppResult again = run_app(folder, "train --recipe run/config.json --out again");
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_TRUE(contains(again.err, "config.json changes the labels of folder, which it names"));
  EXPECT_EQ(read_text(folder / "run/noise.json"), read_text(folder / "again/noise.json"));
}

TEST(AppFlags, ComparedRecipesAddNoNoiseEither) {
  const TemporaryFolder folder;
  write_set(folder);
  const AppResult result =
      run_app(folder, "compare ce gce --recipe cifar10-5000 --seeds 1 --out c " + kOnFolder);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "recipe cifar10-5000 is not for folder")) << result.err;
  EXPECT_TRUE(contains(result.err, "--kappa changes nothing")) << result.err;
}

TEST(AppFlags, AFlagWithoutEffectIsWarnedOf) {
  const TemporaryFolder folder;
  const AppResult result = run_app(
      folder, "train " + kSmall + "--method ce --lambda_u 3 --image_size 64 --lr 0.1 --out run");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err,
                       "bptplr: warning: --lambda_u changes nothing in the training of method ce, "
                       "as selection is none; leave it out"))
      << result.err;
  EXPECT_TRUE(contains(result.err, "--image_size changes nothing")) << result.err;
  EXPECT_FALSE(contains(result.err, "--lr changes")) << result.err;
  const AppResult quiet = run_app(folder, "train " + kSmall + "--out quiet");
  EXPECT_FALSE(contains(quiet.err, "changes nothing")) << quiet.err;
}

TEST(AppFlags, AMethodThatDividesNeedsEpochsAfterTheWarmUp) {
  const TemporaryFolder folder;
  for (const char* command : {"train ", "compare bptplr "}) {
    expect_error(folder, command + kSmall + "--num_epochs 3 --warm_up 3",
                 "num_epochs is 3 and warm_up 3, so that method bptplr would end before it divides "
                 "the data; raise num_epochs above 3, or lower warm_up");
  }
  expect_error(folder, "train " + kSmall + "--method longremix --num_epochs 6 --warm_up 3", "warm");
  EXPECT_EQ(run_app(folder, "train " + kSmall + "--method ce --num_epochs 1 --out ce").exit_code,
            0);
}

TEST(AppFlags, AnEmptyValueIsOneAndNoFlagTakesTheNext) {
  const TemporaryFolder folder;
  const AppResult result =
      run_app(folder, "train --pretrained= --noise_file= " + kSmall + "--num_epochs=2 --out=run");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(config_of(folder, "run")["pretrained"], "");
  EXPECT_EQ(config_of(folder, "run")["shapes_train"], 200) << "the flag after the empty value";
  for (const auto& [arguments, sentence] : std::vector<std::pair<std::string, std::string>>{
           {"train --pretrained --out run2 " + kSmall,
            "--pretrained needs a value, but --out follows, which is a flag; write --pretrained= "
            "for an empty one, or --pretrained=--out"},
           {"train --out --batch-size=3", "--out needs a value, but --batch-size=3 follows"},
           {"train --resume= --out run", "--resume takes no value; leave out the ="},
           {"train --lr= 0.1 --out run2", "'' is no NUMBER"},
           {"train --arch= vgg19_bn", "'' is none of"},
           {"audit run --top= 3", "--top: "}}) {
    const AppResult refused = run_app(folder, arguments);
    EXPECT_EQ(refused.exit_code, 2) << arguments;
    EXPECT_TRUE(contains(refused.err, sentence)) << refused.err;
  }
}

TEST(AppFlags, FlagsOfThePublishedScriptsAreTaken) {
  const TemporaryFolder folder;
  const AppResult result =
      run_app(folder, "train " + kSmall + "--gpuid 0 --id=baseline --learning_rate 0.1 --out run");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "--gpuid of the published scripts means nothing here; choose"));
  EXPECT_TRUE(contains(result.err, "--id of the published scripts means nothing here; name"));
  EXPECT_FALSE(contains(run_app(folder, "train --help").out, "--gpuid"));
}

}  // namespace
}  // namespace bptplr
