// Data sets of image files in their genuine layouts, through the command.
#include "tests/data/sets/image_sets.hpp"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/io/json.hpp"
#include "tests/apps/run_app.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// A network that trains in a second.
const std::string kTiny =
    "--width 4 --blocks 1,1,1,1 --batch_size 16 --warm_up 1 --num_epochs 2 --image_size 16 "
    "--kappa 0:2 --cache_dir cache ";

/// Trains for two epochs, the second with partitions, and expects `parts` in what it says.
AppResult train(const TemporaryFolder& folder, const std::string& arguments,
                const std::vector<std::string>& parts) {
  AppResult result = run_app(folder, "train " + kTiny + arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const std::string& part : parts) EXPECT_TRUE(contains(result.out, part)) << result.out;
  return result;
}

TEST(AppImageSets, FolderWithNoiseDrawnHere) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 4, 12);
  write_class_folders(folder / "set/test", 4, 3, 100);
  const AppResult first = train(
      folder, "--dataset folder --data_path set --noise_mode sym --r 0.4 --out a",
      {"folder: 48 training and 12 test images of 16 x 16, 4 classes", "% are wrong", " auc "});
  const Json config = parse_json(read_text(folder / "a/config.json"));
  EXPECT_EQ(config["num_class"], 4);
  EXPECT_EQ(config["image_size"], 16);
  // Again from the cache: the same bytes.
  train(folder, "--dataset folder --data_path set --noise_mode sym --r 0.4 --out b", {});
  EXPECT_TRUE(read_text(folder / "a/model1.safetensors") ==
              read_text(folder / "b/model1.safetensors"));
  const AppResult eval = run_app(folder, "eval a --json");
  EXPECT_EQ(eval.exit_code, 0) << eval.err;
  EXPECT_EQ(parse_json(eval.out)["test_images"], 12);
}

TEST(AppImageSets, FolderWithTheLabelsThatItHas) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 4, 12);
  const AppResult result =
      train(folder, "--dataset folder --data_path set --test_split 0.25 --out run",
            {"36 training and 12 test images", "how many are wrong is not known"});
  EXPECT_FALSE(contains(result.out, "wrong labels:")) << result.out;
}

TEST(AppImageSets, Manifest) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 3, 12);
  std::string text = "path,label,true_label,split\n";
  for (int label = 0; label < 3; ++label) {
    for (int i = 0; i < 12; i += 3) {
      for (int copy = 0; copy < 4; ++copy) {
        const int given = copy == 0 ? (label + 1) % 3 : label;
        text += "class" + std::to_string(label) + "/image" + std::to_string(i) + ".jpg,kind" +
                std::to_string(given) + ",kind" + std::to_string(label) +
                (i == 9 ? ",test\n" : ",train\n");
      }
    }
  }
  write_text_file(folder / "set/list.csv", text);
  train(folder, "--dataset csv --data_path set/list.csv --out run",
        {"csv: 36 training and 12 test images", "25.00 % are wrong", " auc "});
}

TEST(AppImageSets, Animal10n) {
  const TemporaryFolder folder;
  write_animal10n(folder / "set/raw_image", 6);
  train(folder, "--dataset animal10n --data_path set --out run",
        {"animal10n: 60 training and 20 test images", "not known"});
  std::string batch;
  for (int i = 0; i < 40; ++i) batch += animal10n_record(i, i % 10);
  write_text_file(folder / "bin/data_batch_1.bin", batch);
  write_text_file(folder / "bin/test_batch.bin", batch);
  train(folder, "--dataset animal10n --data_path bin --out run2",
        {"40 training and 40 test images"});
}

TEST(AppImageSets, Clothing1m) {
  const TemporaryFolder folder;
  write_clothing1m(folder / "set", 4);
  train(folder, "--dataset clothing1m --data_path set --out run",
        {"clothing1m: 56 training and 14 test images", "100.00 % are wrong"});
}

TEST(AppImageSets, WhatDoesNotFitIsRefusedBeforeImagesAreDecoded) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 3, 4);
  write_class_folders(folder / "set/test", 3, 1, 100);
  for (const auto& [arguments, part] : std::vector<std::pair<std::string, std::string>>{
           {"--image_size 20", "multiple of 8, not 20 x 20"},
           {"--image_size 16 --crop 32", "does not fit into images of 16 x 16"},
           {"--image_size 16 --crop 24 --crop_padding 3", "with 3 of padding"},
           {"--image_size 4", "image_size is 4"},
           {"--image_size 16 --arch vgg19_bn --blocks ''", "at least 32 x 32"},
           {"--image_size 64 --crop 24 --arch cnn9 --blocks ''", "at least 28 x 28"},
           {"--num_class 4", "folder has 3 classes"},
           {"--subset 13", "there are 12"},
           {"--noise_file nowhere.json", "nowhere.json"},
           {"--test_split 0.2", "leave --test_split out"}}) {
    SCOPED_TRACE(arguments);
    const AppResult result = run_app(
        folder, "train " + kTiny + "--dataset folder --data_path set --out run " + arguments);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_TRUE(contains(result.err, part)) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(fs::exists(folder / "run"));
    EXPECT_FALSE(fs::exists(folder / "cache"));
  }
  write_text_file(folder / "run/config.json", "{}");
  const AppResult used =
      run_app(folder, "train " + kTiny + "--dataset folder --data_path set --out run");
  EXPECT_TRUE(contains(used.err, "run holds the results of a run")) << used.err;
  EXPECT_FALSE(fs::exists(folder / "cache"));
}

TEST(AppImageSets, TwoClassesTrainAndAreWarnedOf) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 2, 8);
  write_class_folders(folder / "set/test", 2, 2, 100);
  const AppResult result =
      run_app(folder, "train " + kTiny + "--dataset folder --data_path set --out run");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "of 2 classes any two sets of so many have one in common"))
      << result.err;
}

TEST(AppImageSets, AClassWithoutImagesIsNamedBeforeImagesAreDecoded) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 3, 4);
  std::string list = "path,label,split\nset/class0/image0.jpg,class0,test\n";
  for (const char* name : {"class1", "class2"}) {
    for (const auto& entry : fs::directory_iterator(folder / ("set/" + std::string(name)))) {
      list += entry.path().string() + "," + name + ",train\n";
    }
  }
  write_text_file(folder / "list.csv", list);
  const AppResult result =
      run_app(folder, "train " + kTiny + "--dataset csv --data_path list.csv --out run");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(contains(result.err, "no training sample is labelled as class 0 (class0)"))
      << result.err;
  EXPECT_FALSE(fs::exists(folder / "cache"));
}

TEST(AppImageSets, ThreeHundredBadImagesStopOrAreLeftOut) {
  constexpr int kBad = 300;
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 3, 8);
  write_class_folders(folder / "set/test", 3, 2, 100);
  for (int i = 0; i < kBad; ++i) write_bad_image(folder / "set/train/class1", i);
  const std::string arguments = "--dataset folder --data_path set --out run ";
  const AppResult stopped = run_app(folder, "train " + kTiny + arguments);
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_TRUE(contains(stopped.err, "class1/bad0.jpg")) << stopped.err;
  EXPECT_EQ(std::count(stopped.err.begin(), stopped.err.end(), '\n'), 1) << stopped.err;
  EXPECT_FALSE(fs::exists(folder / "run"));
  const AppResult result = train(folder, arguments + "--on_bad_image skip", {"24 training"});
  EXPECT_TRUE(contains(result.err, "left out: set/train/class1/bad0.jpg")) << result.err;
  EXPECT_TRUE(contains(result.err, "280 more such files")) << result.err;
  const AppResult check = run_app(folder, "data check set");
  EXPECT_TRUE(contains(check.out, "unreadable 300")) << check.out;
}

TEST(AppImageSets, CheckTellsWhatIsWrong) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 3, 8);
  write_class_folders(folder / "set/test", 3, 2, 100);
  const fs::path train = folder / "set/train";
  fs::copy(train / "class0/image0.jpg", train / "class0/copy.jpg");
  fs::copy(train / "class0/image0.jpg", train / "class1/copy.jpg");
  fs::copy(train / "class2/image2.Png", folder / "set/test/class2/copy.png");
  write_text_file(train / "class1/bad.jpg", "no picture");
  fs::create_symlink("nowhere", train / "class2/link.png");
  const AppResult result = run_app(folder, "data check set --page page.png");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* part :
       {"folder: set", "28 training, 7 test", "24 x 20 (33)", "unreadable  2",
        "class1/bad.jpg: neither", "class2/link.png: there is no such file",
        "the same, with different labels:", "the same, in training and test set:",
        "class0/copy.jpg",
        "\nclasses 3 train 28 test 7 unreadable 2 duplicates 2 turned 0 passed_over 0\n"}) {
    EXPECT_TRUE(contains(result.out, part)) << part << " is not in\n" << result.out;
  }
  const Image page = read_image(folder / "page.png");
  EXPECT_EQ(page.height, 3 * 66 + 2);
  EXPECT_EQ(page.width, 10 * 66 + 2);
}

TEST(AppImageSets, WhatIsPassedOverIsSaidByTrainCheckAndPredict) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 2, 6);
  write_class_folders(folder / "set/test", 2, 2, 100);
  for (const char* name : {"class0/a.tif", "class0/b.TIF", "class1/notes.txt"}) {
    write_text_file(folder / (std::string("set/train/") + name), "");
  }
  const std::string counted = "2 .tif, 1 .txt";
  const AppResult result =
      train(folder, "--dataset folder --data_path set --out run", {"classes   0 class0, 1 class1"});
  EXPECT_TRUE(contains(result.err, "passed over: " + counted)) << result.err;
  EXPECT_TRUE(contains(run_app(folder, "data check set").out, "passed over " + counted));
  EXPECT_TRUE(contains(run_app(folder, "predict run set/train").err, "passed over: " + counted));
}

TEST(AppImageSets, ALabelFileGoesWithTheRowsBeforeAnyIsLeftOut) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set", 2, 8);
  std::string table = "path,label,split\nset/nowhere.jpg,class1,train\n";
  std::string list = "[1";
  std::string keyed;
  std::string expected = "[";
  for (int i = 0; i < 16; ++i) {
    const std::string path =
        "set/class" + std::to_string(i / 8) + "/image" + std::to_string(i % 8) +
        std::array{".jpg", ".JPEG", ".Png"}[static_cast<std::size_t>(i % 8 % 3)];
    const std::string label = std::to_string(i == 3 ? 1 : i / 8);
    table += path + ",class" + std::to_string(i / 8) + ",train\n";
    list += "," + label;
    keyed = path + ",class" + label + "\n" + keyed;  // in another order
    expected += (i == 0 ? "" : ",") + label;
  }
  write_text(folder / "list.csv", table + "set/class0/image0.jpg,class0,test\n");
  write_text(folder / "labels.json", list + "]");
  write_text(folder / "keyed.csv", "path,label\n" + keyed);
  const std::string data = "--dataset csv --data_path list.csv --on_bad_image skip ";
  for (const char* file : {"labels.json", "keyed.csv"}) {
    const std::string out = std::string("run_") + file;
    train(folder, data + "--noise_file " + file + " --out " + out, {"6.25 % are wrong"});
    EXPECT_EQ(read_text(folder / (out + "/noise.json")), expected + "]");
  }
}

TEST(AppImageSets, CheckKnowsTheLayouts) {
  const TemporaryFolder folder;
  write_animal10n(folder / "animals", 1);
  EXPECT_TRUE(contains(run_app(folder, "data check animals").out, "animal10n: animals"));
  write_clothing1m(folder / "clothes", 1);
  EXPECT_TRUE(contains(run_app(folder, "data check clothes").out, "clothing1m: clothes"));
  write_class_folders(folder / "bare", 2, 2);
  EXPECT_TRUE(contains(run_app(folder, "data check bare").out, "4 training, 0 test"));
  write_text_file(folder / "list.csv", "path,label\nbare/class0/image0.jpg,0\nnowhere.jpg,1\n");
  EXPECT_TRUE(contains(run_app(folder, "data check list.csv").out, "unreadable 1"));
  const AppResult nowhere = run_app(folder, "data check nowhere");
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_TRUE(contains(nowhere.err, "nowhere: there is no such folder")) << nowhere.err;
  EXPECT_EQ(run_app(folder, "data").exit_code, 2);
}

}  // namespace
}  // namespace bptplr
