// Runs that are interrupted in every way, and what is left of them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/io/json.hpp"
#include "tests/apps/background_app.hpp"
#include "tests/apps/run_app.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

/// About a second long: four epochs, one of them warm-up.
const std::string kRun =
    "train --dataset shapes --shapes_train 60 --shapes_test 20 --width 2 --blocks 1,1,1,1 "
    "--low_dim 16 --batch_size 16 --warm_up 1 --num_epochs 4 --r 0.4 --p_threshold 0.1 "
    "--threads 1 ";

/// metrics.jsonl without what depends on the machine.
std::string timeless_metrics(const std::string& run) {
  std::istringstream lines(read_text(run + "/metrics.jsonl"));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    Json json = parse_json(line);
    json.erase("seconds");
    json.erase("images_per_s");
    json.erase("peak_memory_gib");
    text += to_text(json) + "\n";
  }
  return text;
}

void expect_same_results(const std::string& run, const std::string& expected) {
  for (const char* file :
       {"/model1.safetensors", "/model2.safetensors", "/noise.json", "/selection.jsonl"}) {
    const std::string bytes = read_text(run + file);
    ASSERT_FALSE(bytes.empty()) << run << file;
    EXPECT_TRUE(bytes == read_text(expected + file)) << run << file;
  }
  EXPECT_EQ(timeless_metrics(run), timeless_metrics(expected));
}

/// The run that nothing interrupts, in `folder`/whole; returns the seconds that it took.
double train_whole(const TemporaryFolder& folder) {
  const auto start = Clock::now();
  const AppResult result = run_app(folder, kRun + "--out whole");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Goes on with `out` to its end.
void finish(const TemporaryFolder& folder, const std::string& out) {
  const AppResult result = run_app(folder, kRun + "--resume --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  expect_same_results(folder / out, folder / "whole");
}

/// A program may write files of at most so many kilobytes; what is too long is an error of the
/// write, as on a full disk.
std::string limited(int kilobytes) {
  return "sh -c 'ulimit -f " + std::to_string(2 * kilobytes) + "; exec \"$0\" \"$@\"' ";
}

bool has_file(const std::string& folder, const std::string& extension) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().extension() == extension) return true;
  }
  return false;
}

TEST(AppResume, SurvivesBeingKilledAt25Moments) {
  const TemporaryFolder folder;
  const double seconds = train_whole(folder);
  std::mt19937 random(1);
  std::uniform_real_distribution<double> moment(0.0, seconds);
  int amid_a_write = 0;
  for (int kill = 0; kill < 25; ++kill) {
    const std::string out = "killed" + std::to_string(kill);
    BackgroundApp app(folder, kRun + "--out " + out);
    if (kill % 2 == 0) {
      std::this_thread::sleep_for(std::chrono::duration<double>(moment(random)));
    } else {
      // While a checkpoint is being written: one of the first, or a later one.
      const std::string checkpoints = folder / out + "/checkpoints";
      const auto writes = [&] { return has_file(checkpoints, ".part"); };
      for (int write = 0; write < kill % 4; ++write) {
        app.wait_for(writes);
        app.wait_for([&] { return !writes(); });
      }
      if (app.wait_for(writes)) ++amid_a_write;
    }
    app.end(SIGKILL);
    finish(folder, out);
    if (::testing::Test::HasFailure()) FAIL() << "after kill " << kill;
    fs::remove_all(folder / out);
  }
  EXPECT_GE(amid_a_write, 3) << "too few were killed during a write";
}

TEST(AppResume, SignalsEndWithACheckpointWithinTheEpoch) {
  const TemporaryFolder folder;
  train_whole(folder);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const std::string out = "signal" + std::to_string(signal);
    BackgroundApp app(folder, kRun + "--out " + out);
    ASSERT_TRUE(app.wait_for([&] { return fs::exists(folder / out + "/metrics.jsonl"); }));
    EXPECT_EQ(app.end(signal), 3);
    EXPECT_TRUE(contains(read_text(folder / "stdout.txt"), "--resume --out " + out));
    finish(folder, out);
  }
}

TEST(AppResume, AStopThatCannotBeSavedSaysWhereTheRunGoesOn) {
  const TemporaryFolder folder;
  train_whole(folder);
  BackgroundApp app(folder, kRun + "--num_epochs 400 --out run");
  ASSERT_TRUE(app.wait_for([&] { return fs::exists(folder / "run/metrics.jsonl"); }));
  // Stands for a disk that fills up: what is written there cannot be.
  while (!fs::is_regular_file(folder / "run/checkpoints")) {
    std::error_code in_use;
    fs::remove_all(folder / "run/checkpoints", in_use);
    write_text(folder / "run/checkpoints", "in the way");
  }
  EXPECT_EQ(app.end(SIGTERM), 1);
  const std::string err = read_text(folder / "stderr.txt");
  EXPECT_TRUE(contains(err,
                       "the training stopped here is not saved: once it can be written, the "
                       "same command with --resume --out run "))
      << err;
  fs::remove(folder / "run/checkpoints");
  const AppResult again = run_app(folder, kRun + "--num_epochs 5 --resume --out run");
  EXPECT_EQ(again.exit_code, 0) << again.err;
}

TEST(AppResume, StopsWhenTimeIsUp) {
  const TemporaryFolder folder;
  train_whole(folder);
  const AppResult stopped = run_app(folder, kRun + "--max_hours 1e-9 --out run");
  EXPECT_EQ(stopped.exit_code, 3) << stopped.err;
  EXPECT_TRUE(contains(stopped.out, "--max_hours"));
  // Every call goes on by itself, so it ends however little each is given.
  int calls = 0;
  AppResult result = stopped;
  while (result.exit_code == 3 && ++calls < 500) {
    result = run_app(folder, kRun + "--max_hours 0.0001 --resume --out run");
  }
  EXPECT_EQ(result.exit_code, 0) << result.err;
  expect_same_results(folder / "run", folder / "whole");
}

TEST(AppResume, StartsWhereThereIsNothingAndSaysWhenAllIsDone) {
  const TemporaryFolder folder;
  train_whole(folder);
  finish(folder, "new");
  const AppResult again = run_app(folder, kRun + "--resume --out new");
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_TRUE(contains(again.out, "nothing is left to train"));
  EXPECT_TRUE(contains(again.out, "\nbest_acc "))
      << "scripts read the last line again: " << again.out;
  expect_same_results(folder / "new", folder / "whole");
  // The recipe need not be said again, and a run can be made longer.
  const AppResult longer = run_app(folder, "train --resume --num_epochs 5 --out new");
  EXPECT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_TRUE(contains(timeless_metrics(folder / "new"), "\"epoch\":4"));
  const AppResult shorter = run_app(folder, "train --resume --num_epochs 2 --out new");
  EXPECT_EQ(shorter.exit_code, 1);
  EXPECT_TRUE(contains(shorter.err, "num_epochs is 2, but the run in new has done 5"))
      << shorter.err;
  EXPECT_TRUE(contains(read_text(folder / "new/config.json"), "\"num_epochs\": 5"));
}

TEST(AppResume, AFinishedRunNeedsNoCheckpoint) {
  const TemporaryFolder folder;
  train_whole(folder);
  fs::copy(folder / "whole", folder / "run", fs::copy_options::recursive);
  fs::remove_all(folder / "run/checkpoints");
  const AppResult result = run_app(folder, kRun + "--resume --out run");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "nothing is left to train")) << result.out;
  EXPECT_FALSE(fs::exists(folder / "run/before_restart_1"));
  expect_same_results(folder / "run", folder / "whole");
}

TEST(AppResume, ARunWithoutACheckpointBeginsAgainAndKeepsWhatItHad) {
  const TemporaryFolder folder;
  train_whole(folder);
  ASSERT_EQ(run_app(folder, kRun + "--num_epochs 3 --lr_period 4 --out run").exit_code, 0);
  const std::string model = read_text(folder / "run/model1.safetensors");
  fs::remove_all(folder / "run/checkpoints");
  const AppResult result = run_app(folder, kRun + "--lr_period 4 --resume --out run");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err,
                       "run has the results of 3 epochs, but no checkpoint that can be "
                       "read to go on from, so it begins again; what it had is in "
                       "run/before_restart_1"))
      << result.err;
  expect_same_results(folder / "run", folder / "whole");
  EXPECT_EQ(read_text(folder / "run/before_restart_1/model1.safetensors"), model);
  EXPECT_TRUE(fs::exists(folder / "run/before_restart_1/metrics.jsonl"));
}

TEST(AppResume, LinesThatCouldNotBeWrittenAreInTheCheckpoint) {
  const TemporaryFolder folder;
  train_whole(folder);
  BackgroundApp app(folder, kRun + "--out run");
  ASSERT_TRUE(app.wait_for([&] { return fs::exists(folder / "run/metrics.jsonl"); }));
  for (const char* log : {"run/metrics.jsonl", "run/selection.jsonl"}) {
    fs::remove(folder / log);
    fs::create_directory(folder / log);  // stands for a file that nothing can be written to
  }
  app.wait_for([] { return false; });
  EXPECT_EQ(app.end(SIGKILL), 1);
  const std::string err = read_text(folder / "stderr.txt");
  EXPECT_TRUE(contains(err,
                       "all epochs are trained, but not all results are saved: once it can be "
                       "written, the same command with --resume --out run goes on after 4 "
                       "epochs"))
      << err;
  fs::remove(folder / "run/metrics.jsonl");
  fs::remove(folder / "run/selection.jsonl");
  const AppResult result = run_app(folder, kRun + "--resume --out run");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  // The epochs before were in the file that has been removed, of which the run says so.
  EXPECT_TRUE(contains(result.err, "has 3 of the 4 epochs done")) << result.err;
}

TEST(AppResume, EveryRunThatFilledTheDiskGoesOn) {
  const TemporaryFolder folder;
  train_whole(folder);
  for (int kilobytes = 4; kilobytes < 400; kilobytes += kilobytes / 2) {
    SCOPED_TRACE(kilobytes);
    fs::remove_all(folder / "run");
    const std::string command = "cd '" + (folder / ".") + "' && " + limited(kilobytes) +
                                BPTPLR_BINARY_DIR + "/bptplr " + kRun +
                                "--out run >stdout.txt 2>stderr.txt";
    const int status = std::system(command.c_str());
    EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 1) << status;
    finish(folder, "run");
  }
}

TEST(AppResume, WithoutOutIsAUsageError) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_app(folder, kRun + "--resume").exit_code, 2);
}

TEST(AppResume, RefusesAnotherRecipeByNamingTheField) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_app(folder, kRun + "--num_epochs 2 --out run").exit_code, 0);
  const AppResult result = run_app(folder, kRun + "--resume --lr 0.5 --out run");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(contains(result.err, "lr is 0.5, but the run in run has 0.02")) << result.err;
}

TEST(AppResume, GoesOnFromTheLastWholeCheckpoint) {
  const TemporaryFolder folder;
  train_whole(folder);
  ASSERT_EQ(run_app(folder, kRun + "--num_epochs 3 --lr_period 4 --out run").exit_code, 0);
  write_text(folder / "run/checkpoints/epoch_000003.safetensors", "damaged");
  const AppResult result = run_app(folder, kRun + "--lr_period 4 --resume --out run");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "epoch_000003.safetensors")) << result.err;
  EXPECT_TRUE(contains(result.out, "epoch_000002.safetensors")) << result.out;
  expect_same_results(folder / "run", folder / "whole");
}

TEST(AppResume, TwoRunsNeverShareAFolder) {
  const TemporaryFolder folder;
  BackgroundApp first(folder, kRun + "--num_epochs 500 --out run");
  ASSERT_TRUE(first.wait_for([&] { return fs::exists(folder / "run/config.json"); }));
  // The first one writes to stdout.txt, which run_app would overwrite.
  const std::string command = "cd '" + (folder / ".") + "' && " + BPTPLR_BINARY_DIR + "/bptplr " +
                              kRun + "--num_epochs 500 --resume --out run >out2 2>err2";
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_TRUE(contains(read_text(folder / "err2"), "is in use by process "))
      << read_text(folder / "err2");
}

TEST(AppResume, ALossThatIsNotFiniteLeavesItsState) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, kRun + "--lr 1e30 --out run");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(contains(result.err, "is not finite in epoch 0, warm-up iteration")) << result.err;
  const std::size_t begin = result.err.find("run/checkpoints/not_finite_");
  ASSERT_NE(begin, std::string::npos) << result.err;
  std::string file = result.err.substr(begin);
  file.resize(file.find('\n'));
  EXPECT_TRUE(fs::exists(folder / file)) << file;
}

TEST(AppResume, AFullDiskEndsNoTraining) {
  const TemporaryFolder folder;
  train_whole(folder);
  // Models fit, checkpoints do not; events may or may not.
  const auto model = fs::file_size(folder / "whole/model1.safetensors");
  const std::string command = "cd '" + (folder / ".") + "' && " +
                              limited(static_cast<int>(model / 1024 + 20)) + BPTPLR_BINARY_DIR +
                              "/bptplr " + kRun + "--out run >stdout.txt 2>stderr.txt";
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  const std::string err = read_text(folder / "stderr.txt");
  std::size_t warnings = 0;
  for (std::size_t at = 0;
       (at = err.find("bptplr: warning: cannot write run/checkpoints", at)) != std::string::npos;
       ++at) {
    ++warnings;
  }
  EXPECT_EQ(warnings, 4U) << err;
  EXPECT_TRUE(contains(err, "bptplr: error: cannot write")) << err;
  expect_same_results(folder / "run", folder / "whole");
  EXPECT_FALSE(has_file(folder / "run/checkpoints", ".part"));
}

TEST(AppResume, AFolderThatVanishesEndsNoTraining) {
  const TemporaryFolder folder;
  BackgroundApp app(folder, kRun + "--num_epochs 12 --out run");
  ASSERT_TRUE(app.wait_for([&] { return fs::exists(folder / "run/metrics.jsonl"); }));
  fs::rename(folder / "run", folder / "moved");
  app.wait_for([] { return false; });
  EXPECT_EQ(app.end(SIGKILL), 0);
  const std::string err = read_text(folder / "stderr.txt");
  EXPECT_TRUE(contains(err, "bptplr: warning: run has been moved or emptied; it is written anew"))
      << err;
  const std::string lines = timeless_metrics(folder / "run");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 12) << "those before too";
  const AppResult again = run_app(folder, "train --resume --num_epochs 13 --out run");
  EXPECT_EQ(again.exit_code, 0) << again.err;
}

/// Mounts a file system of its own where that is allowed.
std::string on_small_disk(const std::string& megabytes, const std::string& command) {
  return "unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o size=" + megabytes +
         "m none disk && " + command + "'";
}

TEST(AppResume, ASmallFileSystemThatFillsUp) {
  const TemporaryFolder folder;
  const std::string enter = "cd '" + (folder / ".") + "' && mkdir -p disk && ";
  if (std::system((enter + on_small_disk("1", "true") + " 2>unshare.txt").c_str()) != 0) {
    GTEST_SKIP() << "no file system can be mounted here: " << read_text(folder / "unshare.txt");
  }
  train_whole(folder);
  // One megabyte, most of which is taken; then space is made, and the run goes on.
  const std::string app = std::string(BPTPLR_BINARY_DIR) + "/bptplr " + kRun;
  const std::string script = "head -c 700000 /dev/zero >disk/ballast; " + app +
                             "--out disk/run >full.txt 2>&1; echo $? >full_code.txt; "
                             "rm disk/ballast; " +
                             app +
                             "--resume --out disk/run >>full.txt 2>&1; echo $? >end_code.txt; "
                             "cp -r disk/run run";
  ASSERT_EQ(std::system((enter + on_small_disk("1", script)).c_str()), 0);
  EXPECT_EQ(read_text(folder / "full_code.txt"), "1\n") << read_text(folder / "full.txt");
  EXPECT_TRUE(contains(read_text(folder / "full.txt"), "No space left")) << "it did not fill up";
  EXPECT_EQ(read_text(folder / "end_code.txt"), "0\n") << read_text(folder / "full.txt");
  expect_same_results(folder / "run", folder / "whole");
}

}  // namespace
}  // namespace bptplr
