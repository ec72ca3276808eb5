// `bptplr report`: that the page has every section, says what it cannot show, and loads nothing.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/io/json.hpp"
#include "tests/apps/browser.hpp"
#include "tests/apps/run_app.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

void train(const TemporaryFolder& folder, const std::string& flags) {
  const AppResult result = run_app(folder, "train " + kSmall + flags + " --out run");
  ASSERT_EQ(result.exit_code, 0) << result.err;
}

/// What `bptplr report run FLAGS --json` says.
Json report_of(const TemporaryFolder& folder, const std::string& flags = "") {
  const AppResult result = run_app(folder, "report run --json " + flags);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return parse_json(result.out);
}

/// Why a section shows nothing; empty where it does show something.
std::string missing(const Json& report, const std::string& section) {
  return report.at(section).value("missing", "");
}

/// Of the page that `bptplr report run` writes.
std::string page_of(const TemporaryFolder& folder, const std::string& flags = "") {
  const AppResult result = run_app(folder, "report run " + flags);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "report.html")) << result.out;
  return read_text(folder / "run/report.html");
}

double sum(const Json& matrix) {
  double total = 0.0;
  for (const Json& row : matrix) {
    for (const Json& value : row) total += value.get<double>();
  }
  return total;
}

TEST(AppReport, ShowsEverythingOfAFinishedRun) {
  const TemporaryFolder folder;
  train(folder, "--r 0.4 --num_epochs 3");
  const Json report = report_of(folder, "--top 7");
  for (const char* section : {"curves", "selection", "balance", "test", "noise", "suspects"}) {
    EXPECT_EQ(missing(report, section), "") << section;
  }
  EXPECT_EQ(report["heading"], "shapes: 200 training images of 10 classes, 40 % symmetric noise");
  const std::string about = report["about"];
  EXPECT_TRUE(about.starts_with("trained with bptplr on 20")) << about;
  EXPECT_TRUE(about.ends_with(", in run")) << about;
  EXPECT_EQ(report["suspects"]["width"], 32);
  EXPECT_EQ(report["suspects"]["height"], 32);
  EXPECT_EQ(report["classes"].size(), 10U);
  EXPECT_EQ(report["curves"]["accuracy"].size(), 3U);
  ASSERT_EQ(report["selection"]["partitions"].size(), 2U);
  const Json& partition = report["selection"]["partitions"][1];
  EXPECT_EQ(partition["networks"][0]["points"]["clean"].size(), 200U);
  EXPECT_EQ(partition["networks"][0]["gmm"]["covariances"].size(), 2U);
  EXPECT_EQ(partition["wrong"].size(), 200U);
  EXPECT_EQ(report["balance"]["networks"].size(), 2U);

  // As `bptplr eval` says, and as the last epoch measured.
  const Json eval = parse_json(run_app(folder, "eval run --json").out);
  EXPECT_DOUBLE_EQ(report["test"]["together"], eval["together"]);
  EXPECT_EQ(report["test"]["networks"], eval["networks"]);
  EXPECT_EQ(report["test"]["together"], report["curves"]["accuracy"][2]);
  EXPECT_EQ(sum(report["test"]["confusion"]), 100);

  for (const char* matrix : {"estimated", "known"}) {
    ASSERT_EQ(report["noise"][matrix].size(), 10U) << matrix;
    EXPECT_NEAR(sum(report["noise"][matrix]), 10.0, 0.01) << matrix << ": each row is 1";
  }
  ASSERT_EQ(report["suspects"]["items"].size(), 7U);
  for (const Json& suspect : report["suspects"]["items"]) {
    EXPECT_NE(suspect["given"], suspect["suggested"]);
    EXPECT_TRUE(suspect["image"].get<std::string>().starts_with("data:image/png;base64,"));
  }
}

TEST(AppReport, ThePageNeedsNoOtherFile) {
  const TemporaryFolder folder;
  train(folder, "--r 0.4");
  const std::string page = page_of(folder);
  for (const char* part : {"http:", "https:", " src=", "@import", "url(", "{{"}) {
    EXPECT_FALSE(contains(page, part)) << part;
  }
  EXPECT_TRUE(contains(page, "data:image/png;base64,"));
  const AppResult elsewhere = run_app(folder, "report run --top 0 --out page.html");
  EXPECT_EQ(elsewhere.exit_code, 0) << elsewhere.err;
  EXPECT_FALSE(contains(read_text(folder / "page.html"), "data:image/png;base64,"));
  // A name from outside stays text.
  std::filesystem::rename(folder / "run", folder / "<b>&");
  EXPECT_EQ(run_app(folder, "report '<b>&' --out page.html").exit_code, 0);
  EXPECT_FALSE(contains(read_text(folder / "page.html"), "<b>"));
  EXPECT_TRUE(contains(read_text(folder / "page.html"), "&lt;b&gt;&amp;</title>"));
}

TEST(AppReport, ABrowserDrawsEverySection) {
  const TemporaryFolder folder;
  const std::string chromium = find_chromium(folder);
  if (chromium.empty()) GTEST_SKIP() << "There is no Chromium that works.";
  train(folder, "--r 0.4");
  page_of(folder, "--top 5");
  const std::string page = drawn_page(folder, chromium, "run/report.html");
  for (const std::string id : {"curves", "selection", "balance", "test", "noise", "suspects"}) {
    const std::string section = section_of(page, id);
    const char* shown = "<table";
    if (id == "curves" || id == "selection") shown = "role=\"img\"";
    if (id == "suspects") shown = "<img";
    EXPECT_TRUE(contains(section, shown)) << id << ": " << section.substr(0, 2000);
    EXPECT_FALSE(contains(section, "undefined")) << id;
  }
  EXPECT_TRUE(contains(section_of(page, "selection"), "class=\"ellipse\""));
  // The last section is there only if no other one has ended the script.
  EXPECT_TRUE(contains(section_of(page, "recipe"), "shapes_train=200"));
}

TEST(AppReport, PlainCrossEntropyHasNoPartition) {
  const TemporaryFolder folder;
  train(folder, "--method ce --r 0.4");
  const Json report = report_of(folder);
  EXPECT_EQ(missing(report, "curves"), "");
  EXPECT_EQ(missing(report, "test"), "");
  EXPECT_EQ(report["test"]["networks"].size(), 1U);
  EXPECT_EQ(missing(report, "suspects"), "");
  EXPECT_TRUE(contains(to_text(report["suspects"]["note"]), "classifier's loss alone"));
  for (const char* section : {"selection", "balance"}) {
    EXPECT_TRUE(contains(missing(report, section), "all labels")) << section;
  }
  page_of(folder);
}

TEST(AppReport, ARunInItsWarmUpHasNoPartitionYet) {
  const TemporaryFolder folder;
  train(folder, "");
  // As after its first epoch.
  const std::string metrics = read_text(folder / "run/metrics.jsonl");
  write_text(folder / "run/metrics.jsonl", metrics.substr(0, metrics.find('\n') + 1));
  std::filesystem::remove(folder / "run/selection.jsonl");
  const Json report = report_of(folder);
  for (const char* section : {"selection", "balance"}) {
    EXPECT_TRUE(contains(missing(report, section), "warm-up")) << section;
  }
  // Nothing but its recipe: the first epoch has not ended.
  for (const char* file : {"metrics.jsonl", "model1.safetensors", "model2.safetensors"}) {
    std::filesystem::remove(folder / "run/" + file);
  }
  const Json empty = report_of(folder);
  EXPECT_TRUE(contains(missing(empty, "curves"), "No epoch"));
  for (const char* section : {"test", "noise", "suspects"}) {
    EXPECT_TRUE(contains(missing(empty, section), "model1.safetensors")) << section;
  }
  page_of(folder);
}

TEST(AppReport, WithoutTheDataSetTheRestIsShown) {
  const TemporaryFolder folder;
  train(folder, "--r 0.4");
  Json config = parse_json(read_text(folder / "run/config.json"));
  config["dataset"] = "cifar10";
  config["data_path"] = "moved/away";
  write_text(folder / "run/config.json", to_text(config));
  const Json report = report_of(folder);
  for (const char* section : {"curves", "selection", "balance"}) {
    EXPECT_EQ(missing(report, section), "") << section;
  }
  for (const char* section : {"test", "noise", "suspects"}) {
    EXPECT_TRUE(contains(missing(report, section), "moved/away")) << missing(report, section);
  }
  EXPECT_EQ(report["classes"].size(), 10U);
  EXPECT_EQ(report["heading"], "cifar10: 200 training images of 10 classes, 40 % symmetric noise");
  page_of(folder);
}

TEST(AppReport, WhatIsNoRunIsAnError) {
  const TemporaryFolder folder;
  const AppResult nowhere = run_app(folder, "report nowhere");
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_TRUE(contains(nowhere.err, "there is no folder nowhere")) << nowhere.err;
  std::filesystem::create_directories(folder / "empty");
  EXPECT_EQ(run_app(folder, "report empty").exit_code, 1);
  EXPECT_EQ(run_app(folder, "report").exit_code, 2);
  train(folder, "--method ce --num_epochs 1");
  const AppResult unwritable = run_app(folder, "report run --out no/such/folder.html");
  EXPECT_EQ(unwritable.exit_code, 1);
  EXPECT_TRUE(contains(unwritable.err, "no/such/folder.html")) << unwritable.err;
}

}  // namespace
}  // namespace bptplr
