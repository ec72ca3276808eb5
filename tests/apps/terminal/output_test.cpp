// What training prints for people, with --quiet, and as JSON; and how long it says that it takes.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "engine/io/json.hpp"
#include "tests/apps/background_app.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/apps/terminal/pseudo_terminal.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

const std::string kData = "--dataset shapes --shapes_train 60 --shapes_test 20 --r 0.4 ";
const std::string kTiny =
    "--width 2 --blocks 1,1,1,1 --low_dim 16 --batch_size 16 --warm_up 1 --p_threshold 0.1 "
    "--threads 1 ";
const std::string kRun = "train " + kData + kTiny + "--num_epochs 2 --out ";

std::vector<Json> events_of(const std::string& text) {
  std::vector<Json> events;
  for (const std::string& line : split_lines(text)) {
    events.push_back(parse_json_or_none(line));
    EXPECT_TRUE(events.back().is_object()) << line;
  }
  return events;
}

/// Without warnings and times, which depend on the machine.
std::vector<std::string> names_of(const std::vector<Json>& events) {
  std::vector<std::string> names;
  for (const Json& event : events) {
    if (event["event"] != "time" && event["event"] != "warning") names.push_back(event["event"]);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(AppOutput, QuietPrintsTheLastLineAndWarnings) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, kRun + "run --quiet --kappa 0:9");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(std::regex_match(result.out, std::regex("best_acc .* out run\n"))) << result.out;
  EXPECT_TRUE(contains(result.err, "bptplr: warning: kappa is '0:9'")) << result.err;
  EXPECT_EQ(result.out, run_app(folder, kRun + "run --quiet --kappa 0:9 --resume").out);
  // It is of the call, not of the run.
  EXPECT_TRUE(contains(run_app(folder, "train --resume --out run").out, "nothing is left"));
  const AppResult failed = run_app(folder, kRun + "bad --quiet --lr -1");
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_EQ(failed.out, "");
  EXPECT_TRUE(contains(failed.err, "lr is -1"));
}

TEST(AppOutput, ARecipeCanSayIt) {
  const TemporaryFolder folder;
  write_text(folder / "quiet.json", R"({"quiet": true, "log_format": "text"})");
  const AppResult result = run_app(folder, kRun + "run --recipe quiet.json");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("best_acc ")) << result.out;
  EXPECT_TRUE(contains(run_app(folder, kRun + "run2 --recipe quiet.json --quiet=false").out,
                       "\nmethod    bptplr"));
}

TEST(AppOutput, JsonIsAnObjectAnEvent) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, kRun + "run --log_format json --kappa 0:9");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const std::vector<Json> events = events_of(result.out);
  EXPECT_EQ(names_of(events), (Names{"start", "epoch", "epoch", "end"})) << result.out;
  EXPECT_TRUE(std::ranges::any_of(events, [](const Json& event) {
    return event["event"] == "warning" && contains(event["text"], "kappa is '0:9'");
  })) << result.out;
  EXPECT_EQ(events.front()["recipe"]["num_epochs"], 2);
  EXPECT_EQ(events.front()["train_images"], 60);
  EXPECT_EQ(events.front()["resumed_from"], nullptr);
  EXPECT_GT(events.front()["noise_rate"], 0.1);
  const Json& end = events.back();
  EXPECT_EQ(end["status"], "done");
  EXPECT_EQ(end["out"], "run");
  Json epoch;
  for (const Json& event : events) {
    if (event["event"] == "epoch") epoch = event;
  }
  epoch.erase("event");
  EXPECT_EQ(epoch, parse_json(split_lines(read_text(folder / "run/metrics.jsonl")).back()));
  EXPECT_EQ(epoch["test_acc"], end["last_acc"]);

  const AppResult failed = run_app(folder, kRun + "run --log_format json");
  EXPECT_EQ(failed.exit_code, 1);
  const Json failure = events_of(failed.out).back();
  EXPECT_EQ(failure["status"], "failed");
  EXPECT_TRUE(contains(failed.err, failure["why"].get<std::string>())) << failed.err;
  const AppResult stopped = run_app(folder, kRun + "stopped --log_format json --max_hours 1e-9");
  EXPECT_EQ(stopped.exit_code, 3);
  EXPECT_EQ(events_of(stopped.out).back()["status"], "stopped");
}

TEST(AppOutput, ComparisonsPrintEventsToo) {
  const TemporaryFolder folder;
  const std::string compare =
      "compare ce gce --seeds 1 " + kData + kTiny + "--num_epochs 1 --out all --log_format json";
  const AppResult result = run_app(folder, compare);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<Json> events = events_of(result.out);
  EXPECT_EQ(names_of(events), (Names{"run", "start", "epoch", "run", "start", "epoch", "end"}))
      << result.out;
  EXPECT_TRUE(contains(result.out, R"({"event":"run","number":1,"of":2,"label":"ce","seed":1})"));
  const AppResult quiet = run_app(folder, "compare --table --out all --quiet");
  EXPECT_EQ(split_lines(quiet.out).size(), 1U) << quiet.out;
  EXPECT_TRUE(quiet.out.starts_with("compare ce best ")) << quiet.out;
}

TEST(AppOutput, SaysWhatTheFiguresOfThePartitionAre) {
  const TemporaryFolder folder;
  const AppResult result = run_app(folder, kRun + "run");
  const std::size_t explained =
      result.out.find("labelled: images whose label the partition of network 1");
  ASSERT_NE(explained, std::string::npos) << result.out;
  EXPECT_LT(explained, result.out.find("\nepoch  phase"));
  EXPECT_EQ(result.out.find("labelled: images", explained + 1), std::string::npos) << "once";
  const AppResult baseline = run_app(folder, kRun + "ce --method ce");
  EXPECT_FALSE(contains(baseline.out, "labelled: images")) << baseline.out;
}

/// Trains until `out` matches, then stops; returns what was printed.
std::string printed_until(const TemporaryFolder& folder, const std::string& arguments,
                          const std::regex& expected) {
  BackgroundApp app(folder, arguments);
  app.wait_for([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return std::regex_search(read_text(folder / "stdout.txt"), expected);
  });
  app.end(SIGINT);
  return read_text(folder / "stdout.txt");
}

TEST(AppOutput, SaysHowLongTheWholeRunTakes) {
  const TemporaryFolder folder;
  // Two epochs of the warm-up are over in seconds, the run takes hours.
  const std::string run =
      "train " + kData + kTiny +
      "--shapes_train 2000 --warm_up 2 --num_epochs 20000 --kappa 0:1 --out run";
  const std::string out = printed_until(
      folder, run,
      std::regex("\ntime      about [^\n]*now that one after the warm-up is measured"));
  EXPECT_TRUE(std::regex_search(
      out,
      std::regex("\ntime      about [^\n]* for 20000 epochs, of which 2 of warm-up take [^\n]* "
                 "and 19998 after it [^\n]*, estimated from the first iterations\n")))
      << out;
  EXPECT_TRUE(
      std::regex_search(out, std::regex("\ntime      about [^\n]* for 19998 epochs that are")))
      << out;
  const std::regex line("\ntime  ");
  EXPECT_EQ(std::distance(std::sregex_iterator(out.begin(), out.end(), line), {}), 2) << out;
}

TEST(AppOutput, SaysWhatMakesARunOfDaysShorter) {
  const TemporaryFolder folder;
  const std::string run =
      "train " + kData +
      "--shapes_train 60000 --width 32 --blocks 1,1,1,1 --batch_size 16 --threads 1 --warm_up 2 "
      "--num_epochs 90000 --out run";
  const std::string out = printed_until(folder, run, std::regex("shorter with [^\n]*\n"));
  EXPECT_TRUE(std::regex_search(out, std::regex("time      about \\d+ days"))) << out;
  for (const char* way : {"--width 16 (now 32)", "--epoch_size 15000 (of 60000 images",
                          "--subset 15000", "--num_epochs 45000 (now 90000)"}) {
    EXPECT_TRUE(contains(out, way)) << way << ": " << out;
  }
  EXPECT_FALSE(contains(out, "--image_size")) << "shapes has no image files: " << out;
}

}  // namespace
}  // namespace bptplr
