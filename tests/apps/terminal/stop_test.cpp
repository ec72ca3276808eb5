// Ctrl-C and its kin: the answer comes at once, whatever the program is doing, and a second signal
// ends it.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "tests/apps/background_app.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Iterations of many seconds, even on a fast machine.
const std::string kSlow =
    "train --dataset shapes --shapes_train 2000 --shapes_test 20 --width 64 --batch_size 48 "
    "--warm_up 1 --num_epochs 2 --threads 1 --out run";

constexpr const char* kStops = "bptplr: stopping after this iteration; once more ends at once\n";
constexpr const char* kEnds = "bptplr: stopping; once more ends at once\n";

/// Waits until stderr has `part` and returns the seconds that took; -1 after ten, or where the
/// program ended before.
double seconds_until_said(BackgroundApp& app, const TemporaryFolder& folder,
                          const std::string& part) {
  const auto start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  const auto is_said = [&] { return contains(read_text(folder / "stderr.txt"), part); };
  if (!app.wait_for([&] { return is_said() || seconds() > 10.0; })) return -1.0;
  return is_said() ? seconds() : -1.0;
}

TEST(AppStop, AnswersWithinASecondOfALongIteration) {
  const TemporaryFolder folder;
  BackgroundApp app(folder, kSlow);
  ASSERT_TRUE(app.wait_for([&] { return contains(read_text(folder / "stdout.txt"), "out  "); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // into the first iteration
  app.send(SIGINT);
  const double seconds = seconds_until_said(app, folder, kStops);
  EXPECT_GE(seconds, 0.0) << read_text(folder / "stderr.txt");
  EXPECT_LT(seconds, 1.0);
  EXPECT_TRUE(app.is_running()) << "the iteration was not a long one";
  app.send(SIGINT);
  const auto start = Clock::now();
  EXPECT_EQ(app.wait_for_signal(), SIGINT) << "a shell shows 128 + 2";
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
}

TEST(AppStop, WhileImagesAreDecodedNothingIsLeftBehind) {
  const TemporaryFolder folder;
  // Many links to some images, so that decoding takes a while.
  write_class_folders(folder / "images", 2, 6);
  std::string list = "path,label,split\n";
  for (int i = 0; i < 60'000; ++i) {
    list += "images/class" + std::to_string(i % 2) + "/image0.jpg,kind" + std::to_string(i % 2) +
            (i % 10 == 9 ? ",test\n" : ",train\n");
  }
  write_text(folder / "list.csv", list);
  const std::string data = "--dataset csv --data_path list.csv --image_size 256 --cache_dir cache ";
  for (const int signal : {SIGINT, SIGTERM}) {
    BackgroundApp app(folder, "train " + data + "--width 2 --batch_size 16 --threads 1 --out run");
    ASSERT_TRUE(app.wait_for([&] { return fs::exists(folder / "cache"); }));
    ASSERT_TRUE(app.wait_for([&] { return !fs::is_empty(folder / "cache"); }));
    app.send(signal);
    EXPECT_EQ(app.wait_for_signal(), signal);
    EXPECT_TRUE(contains(read_text(folder / "stderr.txt"), kEnds))
        << read_text(folder / "stderr.txt");
    EXPECT_TRUE(fs::is_empty(folder / "cache")) << "an unfinished cache";
    EXPECT_FALSE(fs::exists(folder / "run"));
  }
}

TEST(AppStop, PredictionsAreNotLeftHalfWritten) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 2, 12);
  write_class_folders(folder / "set/test", 2, 4, 100);
  ASSERT_EQ(run_app(folder,
                    "train --dataset folder --data_path set --width 4 --blocks 1,1,1,1 "
                    "--batch_size 16 --image_size 16 --method ce --num_epochs 1 "
                    "--cache_dir cache --out run")
                .exit_code,
            0);
  std::string images;
  for (int i = 0; i < 3000; ++i) images += " set/train/class0/image0.jpg";
  BackgroundApp app(folder, "predict run" + images + " --threads 1 --out table.csv");
  ASSERT_TRUE(app.wait_for([&] { return fs::exists(folder / "table.csv.part"); }));
  app.send(SIGINT);
  EXPECT_EQ(app.wait_for_signal(), SIGINT);
  EXPECT_TRUE(contains(read_text(folder / "stderr.txt"), kEnds));
  EXPECT_FALSE(fs::exists(folder / "table.csv"));
  EXPECT_FALSE(fs::exists(folder / "table.csv.part"));
}

}  // namespace
}  // namespace bptplr
