// `bptplr cache` and --cache_limit: what is kept of decoded images, and how it is removed.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/apps/background_app.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

const std::string kTrain =
    "train --dataset folder --width 4 --blocks 1,1,1,1 --batch_size 16 --method ce --threads 1 "
    "--cache_dir cache ";

void write_set(const TemporaryFolder& folder, const std::string& name) {
  const fs::path set = folder / name;
  write_class_folders(set / "train", 2, 12);
  write_class_folders(set / "test", 2, 3, 100);
}

std::size_t count_caches(const TemporaryFolder& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder / "cache")) {
    count += entry.path().extension() == ".images" ? 1U : 0U;
  }
  return count;
}

TEST(AppCache, ListsAndClears) {
  const TemporaryFolder folder;
  EXPECT_TRUE(contains(run_app(folder, "cache list --cache_dir cache").out, "caches 0 bytes 0\n"));
  write_set(folder, "set");
  ASSERT_EQ(
      run_app(folder, kTrain + "--data_path set --num_epochs 1 --image_size 16 --out a").exit_code,
      0);
  ASSERT_EQ(
      run_app(folder, kTrain + "--data_path set --num_epochs 1 --image_size 24 --out b").exit_code,
      0);
  const AppResult list = run_app(folder, "cache list --cache_dir cache");
  EXPECT_EQ(list.exit_code, 0) << list.err;
  for (const char* part : {"set", "part", "side", "images", "size", "last used", "16 x 16",
                           "24 x 24", "train", "test", "cache/folder-train-16-", "\ncaches 4 "}) {
    EXPECT_TRUE(contains(list.out, part)) << part << ": " << list.out;
  }
  write_text(folder / "cache/notes.txt", "mine");
  fs::create_symlink("notes.txt", folder / "cache/link.images");
  expect_error(folder, "cache clear --cache_dir cache foldr", "did you mean");
  std::string one;
  for (const auto& entry : fs::directory_iterator(folder / "cache")) {
    if (entry.path().filename().string().starts_with("folder-test-16")) {
      one = entry.path().filename();
    }
  }
  const AppResult first = run_app(folder, "cache clear --cache_dir cache " + one);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_TRUE(contains(first.out, "\nremoved 1 bytes ")) << first.out;
  const AppResult all = run_app(folder, "cache clear --cache_dir cache --all");
  EXPECT_TRUE(contains(all.out, "\nremoved 3 bytes ")) << all.out;
  EXPECT_TRUE(fs::exists(folder / "cache/notes.txt"));
  EXPECT_TRUE(fs::is_symlink(folder / "cache/link.images"));
  EXPECT_EQ(run_app(folder, "cache clear").exit_code, 2);
  EXPECT_EQ(run_app(folder, "cache").exit_code, 2);
}

TEST(AppCache, OneInUseStays) {
  const TemporaryFolder folder;
  write_set(folder, "set");
  BackgroundApp app(folder, kTrain + "--data_path set --num_epochs 90000 --image_size 16 --out a");
  ASSERT_TRUE(app.wait_for([&] { return fs::exists(folder / "a/metrics.jsonl"); }));
  const auto run_beside = [&](const std::string& arguments) {  // run_app writes to its stdout.txt
    const std::string command = "cd '" + (folder / ".") + "' && " + BPTPLR_BINARY_DIR + "/bptplr " +
                                arguments + " >out2 2>err2";
    return WEXITSTATUS(std::system(command.c_str()));
  };
  EXPECT_EQ(run_beside("cache list --cache_dir cache"), 0);
  EXPECT_TRUE(contains(read_text(folder / "out2"), "in use")) << read_text(folder / "out2");
  EXPECT_EQ(run_beside("cache clear --cache_dir cache --all"), 1);
  EXPECT_TRUE(contains(read_text(folder / "err2"), "a process uses it"));
  EXPECT_EQ(count_caches(folder), 2U);
  app.end(SIGKILL);
  EXPECT_EQ(run_beside("cache clear --cache_dir cache folder"), 0);
  EXPECT_EQ(count_caches(folder), 0U);
}

TEST(AppCache, ALimitRemovesTheLeastRecentlyUsed) {
  const TemporaryFolder folder;
  write_set(folder, "set");
  write_set(folder, "other");
  // Those of a set take some 30 KiB together, the limit is 52.
  const std::string run = kTrain + "--num_epochs 1 --image_size 16 --cache_limit 0.00005 ";
  ASSERT_EQ(run_app(folder, run + "--data_path set --out a").exit_code, 0);
  ASSERT_EQ(count_caches(folder), 2U);
  const AppResult second = run_app(folder, run + "--data_path other --out b");
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_TRUE(contains(second.err, "bptplr: warning: removed folder-")) << second.err;
  EXPECT_TRUE(contains(second.err, "(--cache_limit)")) << second.err;
  EXPECT_LT(count_caches(folder), 4U);
  expect_error(folder, kTrain + "--data_path set --image_size 32 --cache_limit 1e-6 --out c",
               "but --cache_limit is");
  EXPECT_FALSE(fs::exists(folder / "c"));
}

}  // namespace
}  // namespace bptplr
