#include "bpt_plr/results/report/heading.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/temporary_folder.hpp"

namespace bptplr {
namespace {

TEST(Heading, SaysWhatTheDataAre) {
  Recipe recipe;
  recipe.dataset = DatasetKind::kCifar10;
  recipe.data_path = "/sets/cifar-10-batches-py";
  recipe.noise_mode = NoiseMode::kAsym;
  recipe.r = 0.125;
  EXPECT_EQ(describe_data(recipe, 50000, 10),
            "cifar10: 50,000 training images of 10 classes, 12.5 % asymmetric noise");
  recipe.noise_mode = NoiseMode::kInstance;
  EXPECT_EQ(describe_data(recipe, 0, 10), "cifar10: 10 classes, 12.5 % instance-dependent noise");
  recipe.noise_mode = NoiseMode::kHuman;
  EXPECT_EQ(describe_data(recipe, 0, 10), "cifar10: 10 classes, human labels (worse)");
  recipe.noise_file = "labels/mine.json";
  EXPECT_EQ(describe_data(recipe, 0, 10), "cifar10: 10 classes, labels of mine.json");
}

TEST(Heading, CallsImageFilesByTheirFolder) {
  Recipe recipe;
  recipe.dataset = DatasetKind::kFolder;
  recipe.noise_mode = NoiseMode::kNone;
  for (const char* path : {"photos", "/data/photos/", "data/../photos/."}) {
    recipe.data_path = path;
    EXPECT_EQ(describe_data(recipe, 12, 3),
              "photos: 12 training images of 3 classes, labels as they are");
  }
}

TEST(Heading, TheDayIsThatOfTheLastTraining) {
  const TemporaryFolder folder;
  EXPECT_EQ(day_of_run(folder.path() / "none"), "");
  EXPECT_EQ(day_of_run(folder.path()), "");
  for (const char* name : {"events.out.tfevents.1795944201.host.1.0", "metrics.jsonl",
                           "events.out.tfevents.1700000000.host.2.0", "events.out.tfevents.x"}) {
    std::ofstream(folder.path() / name) << "x";
  }
  EXPECT_EQ(day_of_run(folder.path()), "2026-11-29");
  EXPECT_EQ(day_of(0), "1970-01-01");
}

}  // namespace
}  // namespace bptplr
