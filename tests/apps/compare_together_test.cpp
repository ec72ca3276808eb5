// `bptplr compare` as several processes in one folder.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/file_lock.hpp"
#include "engine/io/json.hpp"
#include "tests/apps/background_app.hpp"
#include "tests/apps/compare_runs.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Two quick labels with three seeds each.
std::string six_runs(const std::string& out) {
  return "compare ce fast.json --seeds 1,2,3 " + kTiny + "--out " + out + " ";
}

/// The lines of runs.jsonl without what depends on the machine, sorted.
std::vector<std::string> sorted_runs(const std::string& comparison) {
  std::vector<std::string> lines = lines_of(timeless_runs(comparison));
  std::ranges::sort(lines);
  return lines;
}

/// Waits a minute at most.
void expect_soon(BackgroundApp& app, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  app.wait_for([&] { return condition() || std::chrono::steady_clock::now() > end; });
  EXPECT_TRUE(condition());
}

std::vector<std::string> lines_with(const std::string& text, const std::string& begin) {
  std::vector<std::string> lines = lines_of(text);
  std::erase_if(lines, [&](const std::string& line) { return !line.starts_with(begin); });
  return lines;
}

TEST(AppCompareTogether, ThreeTrainEachRunOnceAndPrintTheTableOfOne) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  const AppResult alone = run_app(folder, six_runs("alone"));
  ASSERT_EQ(alone.exit_code, 0) << alone.err;
  std::vector<std::unique_ptr<BackgroundApp>> apps;
  for (const char* name : {"a", "b", "c"}) {
    apps.push_back(std::make_unique<BackgroundApp>(folder, six_runs("D"), name));
  }
  std::vector<std::string> trained;
  for (std::size_t i = 0; i < apps.size(); ++i) {
    const std::string name(1, "abc"[i]);
    EXPECT_EQ(apps[i]->wait_for_exit(), 0) << read_text(folder / name + "err.txt");
    const std::string text = read_text(folder / name + "out.txt");
    for (const std::string& line : lines_with(text, "run ")) trained.push_back(line);
    for (const char* label : {"ce ", "fast "}) {
      // Minutes, in the last column, are those of this machine.
      const auto without_minutes = [&](const std::string& of) {
        const std::string row = lines_with(of, label).at(0);
        return row.substr(0, row.find(" - "));
      };
      EXPECT_EQ(without_minutes(text), without_minutes(alone.out)) << name;
    }
    EXPECT_EQ(lines_of(text).back().substr(0, 11), "compare ce ") << text;
  }
  std::ranges::sort(trained);
  EXPECT_EQ(trained, lines_with(alone.out, "run ")) << "each once";
  EXPECT_EQ(sorted_runs(folder / "D"), sorted_runs(folder / "alone"));
  EXPECT_EQ(lines_of(read_text(folder / "D/compare.csv")).size(), 7U);
  EXPECT_EQ(read_text(folder / "D/compare.csv").substr(0, 200).find("failed"), std::string::npos);
}

TEST(AppCompareTogether, TheRunOfAKilledOneIsTakenOver) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  const std::string longer = "--num_epochs 30";
  ASSERT_EQ(run_app(folder, quick("whole") + longer).exit_code, 0);
  BackgroundApp first(folder, quick("D") + longer, "first");
  const auto epochs = [&] {
    return lines_of(read_text(folder / "D/ce/seed1/metrics.jsonl")).size();
  };
  ASSERT_TRUE(first.wait_for([&] { return epochs() > 1; })) << "the first has its checkpoint";
  first.send(SIGSTOP);  // not so fast: the other one is to wait for it
  BackgroundApp second(folder, quick("D") + longer, "second");
  expect_soon(second, [&] {
    return contains(read_text(folder / "secondout.txt"),
                    "waiting for 1 run of others: ce, seed 1 by process ");
  });
  EXPECT_EQ(first.end(SIGKILL), -1);
  EXPECT_EQ(second.wait_for_exit(), 0) << read_text(folder / "seconderr.txt");
  const std::string text = read_text(folder / "secondout.txt");
  EXPECT_TRUE(contains(text, "resume    D/ce/seed1/checkpoints/")) << text;
  EXPECT_EQ(lines_with(text, "run ").back(), "run 1 of 4: ce, seed 1") << text;
  EXPECT_EQ(sorted_runs(folder / "D"), sorted_runs(folder / "whole"));
}

TEST(AppCompareTogether, OneThatWaitsStopsAtOnce) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  fs::create_directories(folder / "D/ce/seed1");
  const FileLock lock(folder / "D/ce/seed1/lock");  // as if this process trained it
  const std::string command = "compare ce --seeds 1 " + kTiny + "--out D ";
  BackgroundApp app(folder, command + "--log_format json");
  expect_soon(app, [&] { return contains(read_text(folder / "stdout.txt"), "waiting"); });
  EXPECT_EQ(app.end(SIGTERM), 3);
  const std::vector<std::string> lines = lines_of(read_text(folder / "stdout.txt"));
  const nlohmann::json waiting = parse_json(lines.at(lines.size() - 2));
  EXPECT_EQ(waiting["event"], "waiting");
  EXPECT_EQ(waiting["runs"][0]["label"], "ce");
  EXPECT_EQ(waiting["runs"][0]["seed"], 1);
  EXPECT_TRUE(waiting["runs"][0]["holder"].get<std::string>().starts_with("process "));
  EXPECT_EQ(parse_json(lines.back())["status"], "stopped");
  EXPECT_EQ(read_text(folder / "stderr.txt"), "bptplr: stopping; once more ends at once\n");
  EXPECT_EQ(run_app(folder, command + "--max_hours 1e-9").exit_code, 3) << "as does the time";
}

TEST(AppCompareTogether, AFailureIsTriedOnceAmongThem) {
  const TemporaryFolder folder;
  write_text(folder / "boom.json", R"({"method": "ce", "lr": 1e30})");
  const std::string command = "compare ce boom.json --seeds 1 " + kTiny + "--out D ";
  // Both wait for runs that this process has, so that neither begins after the failure.
  fs::create_directories(folder / "D/ce/seed1");
  fs::create_directories(folder / "D/boom/seed1");
  std::optional<FileLock> ce(folder / "D/ce/seed1/lock");
  std::optional<FileLock> boom(folder / "D/boom/seed1/lock");
  BackgroundApp first(folder, command, "first");
  BackgroundApp second(folder, command, "second");
  const auto output_of = [&](const std::string& name) {
    return read_text(folder / name + "out.txt");
  };
  expect_soon(first, [&] { return contains(output_of("first"), "waiting for 2 runs of others"); });
  expect_soon(second,
              [&] { return contains(output_of("second"), "waiting for 2 runs of others"); });
  boom.reset();
  for (const char* name : {"first", "second"}) {
    expect_soon(first,
                [&] { return contains(output_of(name), "waiting for 1 run of others: ce"); });
  }
  ce.reset();
  EXPECT_EQ(first.wait_for_exit(), 1) << "as for one process";
  EXPECT_EQ(second.wait_for_exit(), 1);
  EXPECT_EQ(count_lines(output_of("first"), "run 2 of 2: boom") +
                count_lines(output_of("second"), "run 2 of 2: boom"),
            1U);
  EXPECT_EQ(lines_of(read_text(folder / "D/runs.jsonl")).size(), 2U);
}

}  // namespace
}  // namespace bptplr
