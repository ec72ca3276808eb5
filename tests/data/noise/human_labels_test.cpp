#include "data/noise/human_labels.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "data/noise/noise.hpp"
#include "engine/error.hpp"
#include "tests/data/sets/cifar10_files.hpp"
#include "tests/message_of.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

TEST(HumanLabels, HaveTheirPublishedRates) {
  const fs::path data = fs::path(BPTPLR_SHARED_DIR) / "data";
  if (!fs::exists(data)) GTEST_SKIP() << data << " is not here";
  const auto truth = read_noise_file(data / "cifar10_train_clean_labels.json", 50'000, 10);
  const std::pair<HumanSet, double> sets[] = {{HumanSet::kAggre, 0.0901},
                                              {HumanSet::kWorse, 0.4021},
                                              {HumanSet::kRandom1, 0.1723},
                                              {HumanSet::kRandom2, 0.1812},
                                              {HumanSet::kRandom3, 0.1764}};
  for (const auto& [set, rate] : sets) {
    const auto labels = read_human_labels(data / "noise", set, 10, truth);
    EXPECT_NEAR(noise_rate(labels, truth), rate, 5e-5) << name_of(set);
  }
  EXPECT_EQ(read_human_labels(data / "noise", HumanSet::kWorse, 100, truth).size(), 50'000U);
}

TEST(HumanLabels, AreReadFromAFileOrTheFolderAroundIt) {
  const TemporaryFolder folder;
  write(folder.path() / "cifar10n_aggre.json", "[3, 1, 2]");
  const std::vector<std::int64_t> expected{3, 1, 2};
  EXPECT_EQ(read_human_labels(folder.path(), HumanSet::kAggre, 10, expected), expected);
  EXPECT_EQ(
      read_human_labels(folder.path() / "cifar10n_aggre.json", HumanSet::kWorse, 10, expected),
      expected);
  EXPECT_THROW(read_human_labels(folder.path(), HumanSet::kWorse, 10, expected), Error);
}

/// Labels of the files in tests/golden/human; those of set 0 are the clean ones.
std::vector<std::int64_t> golden(std::int64_t factor, std::int64_t set, std::int64_t classes,
                                 std::int64_t count = 12) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < count; ++i) labels.push_back((factor * i + set) % classes);
  return labels;
}

TEST(HumanLabels, AreReadFromThePublishedFiles) {
  const fs::path folder = fs::path(BPTPLR_GOLDEN_DIR) / "human";
  for (const char* file : {"", "CIFAR-10_human.pt", "CIFAR-10_human.npy"}) {
    const std::pair<HumanSet, std::int64_t> sets[] = {{HumanSet::kAggre, 1},
                                                      {HumanSet::kWorse, 2},
                                                      {HumanSet::kRandom1, 3},
                                                      {HumanSet::kRandom2, 4},
                                                      {HumanSet::kRandom3, 5}};
    for (const auto& [set, number] : sets) {
      EXPECT_EQ(read_human_labels(folder / file, set, 10, golden(1, 0, 10)), golden(1, number, 10))
          << file;
    }
  }
  EXPECT_EQ(read_human_labels(folder, HumanSet::kWorse, 100, golden(7, 0, 100)), golden(7, 1, 100));
}

std::string error_of(const fs::path& path, HumanSet set, std::int64_t count) {
  return message_of([&] { read_human_labels(path, set, 10, golden(1, 0, 10, count)); });
}

std::string json_list(const std::vector<std::int64_t>& values) {
  std::string text;
  for (const std::int64_t value : values)
    text += (text.empty() ? "[" : ",") + std::to_string(value);
  return text + "]";
}

TEST(HumanLabels, ThoseOfOtherImagesAreRefusedAndThoseInAnotherOrderPutInOrder) {
  const std::vector<std::int64_t> official{0, 1, 2, 0, 1, 2};
  const std::vector<std::int64_t> worse{5, 6, 7, 8, 9, 4};
  const std::vector<std::int64_t> order{3, 0, 5, 1, 4, 2};
  std::vector<std::int64_t> clean_ordered;
  std::vector<std::int64_t> worse_ordered;
  for (const std::int64_t i : order) {
    clean_ordered.push_back(official[static_cast<std::size_t>(i)]);
    worse_ordered.push_back(worse[static_cast<std::size_t>(i)]);
  }
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "CIFAR-10_human_ordered.npy";
  write(file, "{\"clean_label\": " + json_list(clean_ordered) +
                  ", \"worse_label\": " + json_list(worse_ordered) + "}");
  const auto read = [&](std::span<const std::int64_t> labels) {
    return read_human_labels(folder.path(), HumanSet::kWorse, 10, labels);
  };
  const std::string other_order = message_of([&] { read(official); });
  EXPECT_NE(other_order.find("another order of the images"), std::string::npos) << other_order;
  EXPECT_NE(other_order.find("image_order_c10.npy"), std::string::npos) << other_order;
  write(folder.path() / "image_order_c10.npy", json_list(order));
  EXPECT_EQ(read(official), worse);
  std::vector<std::int64_t> inverse(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  }
  write(folder.path() / "image_order_c10.npy", json_list(inverse));
  EXPECT_EQ(read(official), worse) << "whichever way round the order is told";
  const std::string other_images = message_of([&] {
    read(std::vector<std::int64_t>{0, 0, 0, 0, 0, 1});
  });
  EXPECT_NE(other_images.find("it is of other images"), std::string::npos) << other_images;
}

TEST(HumanLabels, DamagedFilesAreErrorsNamingThem) {
  const fs::path golden_folder = fs::path(BPTPLR_GOLDEN_DIR) / "human";
  EXPECT_NE(error_of(golden_folder, HumanSet::kWorse, 13)
                .find("\"worse_label\": 12 labels for 13 training images"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              read_human_labels(golden_folder / "CIFAR-10_human.pt", HumanSet::kWorse, 100,
                                golden(1, 0, 10));
            }).find("no entry \"noisy_label\""),
            std::string::npos);
  const TemporaryFolder folder;
  EXPECT_NE(error_of(folder.path(), HumanSet::kWorse, 12).find("no human labels here"),
            std::string::npos);
  for (const char* name : {"CIFAR-10_human.pt", "CIFAR-10_human.npy"}) {
    const std::string whole = slurp(golden_folder / name);
    for (std::size_t size = 8; size < whole.size(); size += 13) {
      write(folder.path() / name, whole.substr(0, size));
      EXPECT_NE(error_of(folder.path() / name, HumanSet::kRandom3, 12).find(name),
                std::string::npos)
          << size;
    }
  }
}

}  // namespace
}  // namespace bptplr
