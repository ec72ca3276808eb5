// `bptplr compare`: what it trains and shows, and how it goes on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "engine/io/json.hpp"
#include "tests/apps/background_app.hpp"
#include "tests/apps/browser.hpp"
#include "tests/apps/compare_runs.hpp"
#include "tests/apps/run_app.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

/// The table and bars of an output: at most 80 columns, with "±" counting as one.
void expect_narrow(const std::string& text) {
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("compare ") || line.starts_with("failed ")) continue;
    const auto columns = std::ranges::count_if(
        line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
    EXPECT_LE(columns, 80) << line;
  }
}

TEST(AppCompare, HelpListsTheFieldsOfRecipes) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, "compare --help");
  EXPECT_EQ(result.exit_code, 0);
  for (const RecipeField& field : recipe_fields()) {
    if (std::string(field.name) == "seed") continue;
    EXPECT_TRUE(contains(result.out, std::string("--") + field.name)) << field.name;
  }
  for (const char* flag : {"NAME", "--recipe", "--seeds", "--table"}) {
    EXPECT_TRUE(contains(result.out, flag)) << flag;
  }
  for (const char* flag : {"  --resume", "  --seed "}) {
    EXPECT_FALSE(contains(result.out, flag)) << flag;
  }
}

TEST(AppCompare, TrainsEveryLabelWithEverySeed) {
  const TemporaryFolder folder;
  const std::string command = "compare " + kMethod + " ce --seeds 1,2 " + kTiny + "--out D ";
  const AppResult result = run_app(folder, command);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_FALSE(contains(result.out, "\033")) << "escape codes off a terminal";
  std::vector<std::string> order;
  for (const std::string& line : lines_of(result.out)) {
    if (line.starts_with("run ")) order.push_back(line);
  }
  EXPECT_EQ(order, (std::vector<std::string>{
                       "run 1 of 4: " + kMethod + ", seed 1", "run 2 of 4: ce, seed 1",
                       "run 3 of 4: " + kMethod + ", seed 2", "run 4 of 4: ce, seed 2"}));
  const std::string last = lines_of(result.out).back();
  EXPECT_TRUE(last.starts_with("compare " + kMethod + " best ")) << last;
  EXPECT_TRUE(contains(last, " ce best ")) << last;
  EXPECT_TRUE(contains(last, " auc - - minutes ")) << last;

  EXPECT_EQ(lines_of(read_text(folder / "D/compare.csv")).size(), 5U);
  EXPECT_EQ(lines_of(read_text(folder / "D/compare.md")).size(), 4U);
  EXPECT_TRUE(contains(read_text(folder / "D/compare.html"), "</html>"));
  const Json first = parse_json(lines_of(read_text(folder / "D/runs.jsonl"))[0]);
  EXPECT_EQ(first["label"], kMethod);
  EXPECT_EQ(first["accuracy"].size(), 3U);
  EXPECT_TRUE(first["auc"].is_number());
  EXPECT_EQ(first["wrong_labels"].size(), 3U);

  const AppResult table = run_app(folder, "compare --table --out D");
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_EQ(lines_of(table.out).back(), last);
  expect_narrow(table.out);

  // Each is a run like any other.
  ASSERT_EQ(run_app(folder, "train --method ce --seed 2 " + kTiny + "--out alone").exit_code, 0);
  EXPECT_FALSE(read_text(folder / "alone/model1.safetensors").empty());
  EXPECT_TRUE(read_text(folder / "alone/model1.safetensors") ==
              read_text(folder / "D/ce/seed2/model1.safetensors"));
}

TEST(AppCompare, WhatIsThereIsNotTrainedAgain) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  ASSERT_EQ(run_app(folder, quick("D")).exit_code, 0);
  const std::string runs = read_text(folder / "D/runs.jsonl");
  fs::remove_all(folder / "D/ce");
  const AppResult again = run_app(folder, quick("D"));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_TRUE(contains(again.out, "0 of 4 runs are left")) << again.out;
  EXPECT_EQ(count_lines(again.out, "run "), 0U);
  EXPECT_EQ(read_text(folder / "D/runs.jsonl"), runs);
  EXPECT_FALSE(fs::exists(folder / "D/ce"));

  // A run that ended before it was recorded is taken from its folder.
  const std::vector<std::string> lines = lines_of(runs);
  write_text(folder / "D/runs.jsonl", lines[0] + "\n" + lines[2] + "\n" + lines[3] + "\n");
  const AppResult taken = run_app(folder, quick("D"));
  EXPECT_EQ(taken.exit_code, 0) << taken.err;
  EXPECT_EQ(lines_of(read_text(folder / "D/runs.jsonl")).back(), lines[1]);

  // More labels and seeds join it.
  fs::copy(folder / "fast.json", folder / "other.json");
  const AppResult joined =
      run_app(folder, "compare other.json ce --seeds 2,3 " + kTiny + "--out D");
  EXPECT_EQ(joined.exit_code, 0) << joined.err;
  EXPECT_TRUE(contains(joined.out, "3 of 4 runs are left")) << joined.out;
  EXPECT_TRUE(contains(read_text(folder / "D/compare.md"), "| fast | 2 of 3 |"));
}

TEST(AppCompare, SignalsStopItAndTheSameCommandGoesOn) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  const std::string longer = " --num_epochs 6";
  ASSERT_EQ(run_app(folder, quick("whole") + longer).exit_code, 0);
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string out = "signal" + std::to_string(signal);
    BackgroundApp app(folder, quick(out) + longer);
    ASSERT_TRUE(app.wait_for([&] { return fs::exists(folder / out + "/fast/seed1/config.json"); }));
    EXPECT_EQ(app.end(signal), 3);
    const std::string text = read_text(folder / "stdout.txt");
    EXPECT_TRUE(contains(text, "stopped by a signal; the same command goes on from here")) << text;
    EXPECT_EQ(count_lines(text, "ce          1/2 "), 1U) << text;
    EXPECT_TRUE(lines_of(text).back().starts_with("compare ce best ")) << text;
    const AppResult rest = run_app(folder, quick(out) + longer);
    EXPECT_EQ(rest.exit_code, 0) << rest.err;
    EXPECT_TRUE(contains(rest.out, "resume    " + out + "/fast/seed1/checkpoints/")) << rest.out;
    EXPECT_TRUE(timeless_runs(folder / out) == timeless_runs(folder / "whole"));
  }
}

TEST(AppCompare, SurvivesBeingKilled) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  ASSERT_EQ(run_app(folder, quick("whole")).exit_code, 0);
  for (const char* moment : {"ce/seed1/metrics.jsonl", "fast/seed1/checkpoints", "compare.csv",
                             "ce/seed2/model1.safetensors"}) {
    BackgroundApp app(folder, quick("killed"));
    EXPECT_TRUE(app.wait_for([&] {
      return fs::exists(folder / ("killed/" + std::string(moment)));
    })) << moment;
    app.end(SIGKILL);
    const AppResult rest = run_app(folder, quick("killed"));
    EXPECT_EQ(rest.exit_code, 0) << rest.err;
    EXPECT_TRUE(timeless_runs(folder / "killed") == timeless_runs(folder / "whole")) << moment;
    fs::remove_all(folder / "killed");
  }
}

TEST(AppCompare, StopsWhenTheTimeOfTheCallIsUp) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  ASSERT_EQ(run_app(folder, quick("whole")).exit_code, 0);
  const AppResult stopped = run_app(folder, quick("D") + "--max_hours 1e-9");
  EXPECT_EQ(stopped.exit_code, 3) << stopped.err;
  EXPECT_TRUE(contains(stopped.out, "stopped by --max_hours 1e-09")) << stopped.out;
  int calls = 0;
  AppResult result = stopped;
  // Each call gets more time, so that there is an end on a machine however slow or busy.
  for (double hours = 2e-6; result.exit_code == 3 && hours < 0.1; hours *= 1.3) {
    ++calls;
    result = run_app(folder, quick("D") + fmt::format("--max_hours {}", hours));
  }
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GT(calls, 1) << "it was never stopped between";
  EXPECT_TRUE(timeless_runs(folder / "D") == timeless_runs(folder / "whole"));
}

TEST(AppCompare, RefusesAnotherRecipe) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  ASSERT_EQ(run_app(folder, quick("D") + "--num_epochs 1").exit_code, 0);
  fs::remove_all(folder / "D/ce");
  expect_error(folder, quick("D") + "--num_epochs 1 --alpha 0.5",
               "alpha is 0.5, but the run in D/ce/seed1 has 4.0");
  expect_error(folder, quick("D") + "--num_epochs 2 --lr_period 1",
               "num_epochs is 2, but the run in D/ce/seed1 has 1");
  EXPECT_EQ(run_app(folder, quick("D") + "--num_epochs 1 --threads 2").exit_code, 0);
}

TEST(AppCompare, RunsOfASeedSeeTheSameData) {
  const TemporaryFolder folder;
  write_text(folder / "other.json", R"({"method": "ce", "r": 0.2})");
  write_text(folder / "common.json", R"({"r": 0.4})");
  std::string without_r = kTiny;
  without_r.replace(without_r.find("--r 0.4 "), 8, "");
  const std::string command =
      "compare ce other.json --recipe common.json --seeds 1 " + without_r + "--out D";
  expect_error(folder, command,
               "with seed 1 other does not train on the images and labels of ce (other fields: r)");
  EXPECT_FALSE(fs::exists(folder / "D/ce")) << "found before training";
  // Where the flags say it for all, there is nothing to refuse.
  EXPECT_EQ(run_app(folder, command + " --r 0.3").exit_code, 0);
}

TEST(AppCompare, AFailedRunDoesNotEndTheOthers) {
  const TemporaryFolder folder;
  write_text(folder / "boom.json", R"({"method": "ce", "lr": 1e30})");
  const std::string command = "compare boom.json ce --seeds 1,2 " + kTiny + "--out D";
  const AppResult result = run_app(folder, command);
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_TRUE(contains(result.err, "bptplr: warning: boom, seed 1 failed: the loss is not finite"))
      << result.err;
  EXPECT_EQ(count_lines(result.out, "failed    boom, seed "), 2U) << result.out;
  EXPECT_TRUE(contains(result.out, "compare boom best - - last10 - - auc - - minutes - ce best "))
      << result.out;
  EXPECT_TRUE(contains(read_text(folder / "D/compare.md"), "| boom | 0 of 2, 2 failed |"));
  expect_narrow(run_app(folder, "compare --table --out D").out);
  const AppResult again = run_app(folder, command);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_TRUE(contains(again.out, "2 of 4 runs are left")) << again.out;
  EXPECT_EQ(count_lines(again.out, "run "), 2U) << "only the failed ones";
}

TEST(AppCompare, LinesThatAreDamagedAreNamed) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  ASSERT_EQ(run_app(folder, quick("D") + "--num_epochs 1").exit_code, 0);
  const std::string runs = read_text(folder / "D/runs.jsonl");
  write_text(folder / "D/runs.jsonl", "{\"label\":\n" + runs);
  expect_error(folder, quick("D") + "--num_epochs 1", "line 1 of D/runs.jsonl is damaged");
  expect_error(folder, "compare --table --out D", "line 1 of D/runs.jsonl is damaged");
  // A line that ends nowhere is what a killed process leaves.
  write_text(folder / "D/runs.jsonl", runs + "{\"label\":");
  EXPECT_EQ(run_app(folder, quick("D") + "--num_epochs 1").exit_code, 0);
  EXPECT_EQ(read_text(folder / "D/runs.jsonl"), runs);
}

TEST(AppCompare, WhatCannotBeMeantIsAnError) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  expect_error(folder, "compare no-such ce " + kTiny, "nor a file 'no-such'");
  expect_error(folder, "compare ce ce " + kTiny, "called ce");
  expect_error(folder, "compare ce --method ce " + kTiny, "--method");
  expect_error(folder, "compare ce --seeds 1,1 " + kTiny, "seeds is '1,1'");
  expect_error(folder, "compare ce --seeds -1 " + kTiny, "seed is -1");
  expect_error(folder, "compare ce", "data_path is missing");
  EXPECT_FALSE(fs::exists(folder / "runs")) << "no folder for what cannot be";
  EXPECT_EQ(run_app(folder, "compare " + kTiny).exit_code, 2);
  EXPECT_EQ(run_app(folder, "compare --table").exit_code, 2);
  EXPECT_EQ(run_app(folder, "compare ce --seed 3 " + kTiny).exit_code, 2);
  EXPECT_EQ(run_app(folder, "compare ce --resume --out D " + kTiny).exit_code, 2);
}

TEST(AppCompare, FoldersThatAreMissingOrCannotBeWritten) {
  const TemporaryFolder folder;
  write_fast_recipe(folder);
  expect_error(folder, "compare --table --out nowhere", "nowhere holds no comparison");
  // Below a regular file nobody can write, not even root.
  write_text(folder / "file", "in the way");
  expect_error(folder, quick("file/D"), "file/D");
  ASSERT_EQ(run_app(folder, quick("D") + "--num_epochs 1").exit_code, 0);
  expect_error(folder, quick("D/ce/seed1"), "holds the results of a run");
  fs::remove(folder / "D/compare.csv");
  fs::create_directory(folder / "D/compare.csv");
  const AppResult table = run_app(folder, "compare --table --out D");
  EXPECT_EQ(table.exit_code, 0) << "it is there to be read";
  EXPECT_TRUE(contains(table.err, "bptplr: warning: cannot write D/compare.csv")) << table.err;
  EXPECT_TRUE(lines_of(table.out).back().starts_with("compare ce best ")) << table.out;
}

TEST(AppCompare, ABrowserDrawsEverySection) {
  const TemporaryFolder folder;
  const std::string chromium = find_chromium(folder);
  if (chromium.empty()) GTEST_SKIP() << "There is no Chromium that works.";
  write_fast_recipe(folder);
  ASSERT_EQ(run_app(folder, quick("D")).exit_code, 0);
  const std::string page = drawn_page(folder, chromium, "D/compare.html");
  EXPECT_TRUE(contains(section_of(page, "results"), "<table")) << page.substr(0, 2000);
  for (const std::string id : {"curves", "seeds"}) {
    const std::string section = section_of(page, id);
    EXPECT_TRUE(contains(section, "role=\"img\"")) << id << ": " << section.substr(0, 2000);
    EXPECT_FALSE(contains(section, "NaN") || contains(section, "undefined")) << section;
  }
  EXPECT_TRUE(contains(section_of(page, "curves"), "class=\"band fill-1\""));
  EXPECT_FALSE(contains(section_of(page, "seeds"), "AUC")) << "neither label partitions";
  // The last section is there only if no other one has ended the script.
  EXPECT_TRUE(contains(section_of(page, "settings"), "<td>0.1</td>"))
      << section_of(page, "settings");
}

}  // namespace
}  // namespace bptplr
