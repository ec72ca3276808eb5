// What a comparison keeps of its runs, as records, figures, tables and a page.
#include "bpt_plr/results/compare/comparison.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bpt_plr/results/compare/files.hpp"
#include "bpt_plr/results/compare/folder.hpp"
#include "data/csv.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "tests/data/sets/cifar10_files.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A run of two epochs whose accuracies lie around `accuracy`.
ComparedRun run_of(const std::string& label, std::int64_t seed, double accuracy, double auc = 0.9) {
  ComparedRun run;
  run.label = label;
  run.recipe.dataset = DatasetKind::kShapes;
  run.recipe.seed = seed;
  run.changes = {"dataset=shapes", "blocks=1,1,1,1"};
  run.data_hash = 0xfedcba9876543210U;
  run.best_acc = accuracy + 1.0;
  run.mean_last10 = accuracy;
  run.last_acc = accuracy - 1.0;
  run.auc = auc;
  if (!std::isnan(auc)) run.wrong_labels = WrongLabels{40, 30, 20};
  run.seconds = 90.0;
  run.accuracies = {accuracy + 1.0, accuracy - 1.0};
  return run;
}

ComparedRun failed_run(const std::string& label, std::int64_t seed) {
  ComparedRun run = run_of(label, seed, 0.0);
  run.failure = "the loss is \"nan\", twice";
  return run;
}

TEST(MeanDeviation, MeanAndSampleDeviation) {
  const std::vector<double> values{1.0, 2.0, 3.0, 4.0};
  const MeanDeviation of = mean_deviation(values);
  EXPECT_EQ(of.count, 4);
  EXPECT_DOUBLE_EQ(of.mean, 2.5);
  EXPECT_DOUBLE_EQ(of.deviation, std::sqrt(5.0 / 3.0));
  EXPECT_EQ(to_text(of, 2), "2.50 ± 1.29");
}

TEST(MeanDeviation, OneValueHasNoDeviationAndNoneNoMean) {
  const std::vector<double> one{79.304};
  EXPECT_TRUE(std::isnan(mean_deviation(one).deviation));
  EXPECT_EQ(to_text(mean_deviation(one), 2), "79.30");
  EXPECT_TRUE(std::isnan(mean_deviation({}).mean));
  EXPECT_EQ(to_text(mean_deviation({}), 2), "-");
}

TEST(MeanDeviation, WhatIsNoNumberDoesNotCount) {
  const std::vector<double> values{kNan, 2.0, kNan, 4.0};
  const MeanDeviation of = mean_deviation(values);
  EXPECT_EQ(of.count, 2);
  EXPECT_DOUBLE_EQ(of.mean, 3.0);
  EXPECT_DOUBLE_EQ(of.deviation, std::sqrt(2.0));
  EXPECT_EQ(mean_deviation(std::vector<double>{kNan}).count, 0);
}

Json epoch_line(std::int64_t epoch, double accuracy) {
  return {{"epoch", epoch},
          {"test_acc", accuracy},
          {"best_acc", 80.0},
          {"mean_last10", 70.0},
          {"networks", Json::array()},
          {"seconds", {{"train", 30.0}, {"test", 0.5}}}};
}

TEST(ComparedRun, ResultsComeFromTheLastEpochAndTimeFromAll) {
  std::vector<Json> metrics{epoch_line(0, 60.0), epoch_line(1, 75.0)};
  ComparedRun run;
  take_results(run, metrics);
  EXPECT_EQ(run.best_acc, 80.0);
  EXPECT_EQ(run.mean_last10, 70.0);
  EXPECT_EQ(run.last_acc, 75.0);
  EXPECT_EQ(run.seconds, 61.0);
  EXPECT_EQ(run.accuracies, (std::vector<double>{60.0, 75.0}));
  EXPECT_TRUE(std::isnan(run.auc)) << "no partition";
  EXPECT_FALSE(run.wrong_labels);

  metrics[1]["networks"] = {{{"auc", 0.75}}, {{"auc", 0.875}}};
  metrics[1]["wrong_labels"] = {{"wrong", 3}, {"flagged", 2}, {"found", 1}};
  take_results(run, metrics);
  EXPECT_EQ(run.auc, 0.8125);
  ASSERT_TRUE(run.wrong_labels);
  EXPECT_EQ(run.wrong_labels->found, 1);
  EXPECT_EQ(run.accuracies.size(), 2U) << "anew";

  metrics[1]["networks"][0]["auc"] = nullptr;  // no true label is known
  take_results(run, metrics);
  EXPECT_TRUE(std::isnan(run.auc));
  EXPECT_THROW(take_results(run, {}), Error);
}

TEST(ComparedRun, ReadsBackAsItWasWritten) {
  ComparedRun run = run_of("ce", 7, 70.25);
  run.accuracies[0] = kNan;
  const ComparedRun read = compared_run(Json::parse(to_text(to_json(run))), "a line");
  EXPECT_EQ(to_json(read), to_json(run));
  EXPECT_EQ(read.recipe, run.recipe);
  EXPECT_EQ(read.data_hash, run.data_hash);
  EXPECT_EQ(read.data_hash_format, 2);
  Json of_an_earlier_version = to_json(run);
  of_an_earlier_version.erase("data_hash_format");
  EXPECT_EQ(compared_run(of_an_earlier_version, "a line").data_hash_format, 1);
  EXPECT_TRUE(std::isnan(read.accuracies[0]));

  const ComparedRun without_auc = run_of("ce", 7, 70.25, kNan);
  EXPECT_TRUE(to_json(without_auc).at("auc").is_null());
  EXPECT_TRUE(std::isnan(compared_run(to_json(without_auc), "a line").auc));

  const ComparedRun failed = compared_run(to_json(failed_run("ce", 7)), "a line");
  EXPECT_EQ(failed.failure, failed_run("ce", 7).failure);
  EXPECT_FALSE(to_json(failed).contains("best_acc"));
}

TEST(Comparison, ALaterLineReplacesAnEarlierOne) {
  const std::vector<ComparedRun> lines{run_of("b", 2, 50.0), failed_run("a", 2),
                                       run_of("c", 10, 55.0), run_of("a", 2, 60.0)};
  const std::vector<std::int64_t> seeds{5, 2};
  const Comparison comparison = gather(lines, {"a", "d"}, seeds);
  EXPECT_EQ(comparison.labels, (std::vector<std::string>{"a", "d", "b", "c"}));
  EXPECT_EQ(comparison.seeds, (std::vector<std::int64_t>{2, 5, 10}));
  EXPECT_EQ(comparison.runs.size(), 3U);
  ASSERT_NE(comparison.find("a", 2), nullptr);
  EXPECT_EQ(comparison.find("a", 2)->mean_last10, 60.0);
  EXPECT_EQ(comparison.find("a", 5), nullptr);
}

/// "a" with two seeds and a failed one, "b" without AUC, "c" not yet begun.
Comparison example() {
  const std::vector<ComparedRun> lines{run_of("a", 1, 70.0, 0.8), run_of("b", 1, 60.0, kNan),
                                       failed_run("a", 3), run_of("a", 2, 74.0, 0.9)};
  return gather(lines, {"a", "b", "c"}, {});
}

TEST(Comparison, FailedRunsCountForNothingElse) {
  const std::vector<LabelSummary> summaries = summarize(example());
  ASSERT_EQ(summaries.size(), 3U);
  const LabelSummary& a = summaries[0];
  EXPECT_EQ(a.asked, 3);
  EXPECT_EQ(a.done, 2);
  EXPECT_EQ(a.failed, 1);
  EXPECT_DOUBLE_EQ(a.mean_last10.mean, 72.0);
  EXPECT_DOUBLE_EQ(a.best_acc.mean, 73.0);
  EXPECT_DOUBLE_EQ(a.mean_last10.deviation, std::sqrt(8.0));
  EXPECT_DOUBLE_EQ(a.auc.mean, 0.85);
  EXPECT_DOUBLE_EQ(a.minutes.mean, 1.5);
  EXPECT_EQ(summaries[1].mean_last10.count, 1);
  EXPECT_EQ(summaries[1].auc.count, 0);
  EXPECT_EQ(summaries[2].done, 0);
}

TEST(ComparisonFiles, TheTableHasALineForEachRun) {
  const std::vector<CsvRow> rows = parse_csv(comparison_csv(example()), "compare.csv");
  ASSERT_EQ(rows.size(), 5U);
  for (const CsvRow& row : rows) EXPECT_EQ(row.fields.size(), rows[0].fields.size());
  const auto field = [&](std::size_t row, const std::string& name) {
    const auto& names = rows[0].fields;
    const auto column = std::find(names.begin(), names.end(), name) - names.begin();
    return rows[row].fields.at(static_cast<std::size_t>(column));
  };
  EXPECT_EQ(field(1, "label"), "a");
  EXPECT_EQ(field(1, "mean_last10"), "70");
  EXPECT_EQ(field(1, "found"), "20");
  EXPECT_EQ(field(1, "seconds"), "90.0");
  EXPECT_EQ(field(1, "data_hash"), "fedcba9876543210");
  EXPECT_EQ(field(1, "changes"), "dataset=shapes blocks=1,1,1,1");
  EXPECT_EQ(field(2, "seed"), "2");
  EXPECT_EQ(field(3, "result"), "failed");
  EXPECT_EQ(field(3, "best_acc"), "");
  EXPECT_EQ(field(3, "failure"), failed_run("a", 3).failure);
  EXPECT_EQ(field(4, "auc"), "");
  EXPECT_EQ(field(4, "epochs"), "2");
}

TEST(ComparisonFiles, MarkdownHasALineForEachLabel) {
  EXPECT_EQ(comparison_markdown(example()),
            "| | seeds | best accuracy, % | mean of the last 10 epochs, % | AUC | minutes |\n"
            "|---|---|---|---|---|---|\n"
            "| a | 2 of 3, 1 failed | 73.00 ± 2.83 | 72.00 ± 2.83 | 0.8500 ± 0.0707 | 1.5 ± 0.0 |\n"
            "| b | 1 of 3 | 61.00 | 60.00 | - | 1.5 |\n"
            "| c | 0 of 3 | - | - | - | - |\n");
}

TEST(ComparisonFiles, ThePageGetsCurvesWithBands) {
  std::vector<ComparedRun> lines{run_of("a", 1, 70.0), run_of("a", 2, 74.0), run_of("b", 1, 60.0)};
  lines[2].accuracies.push_back(61.0);
  lines[2].recipe.lr = 0.1;
  lines[2].recipe.threads = 3;
  const Json report = comparison_report(gather(lines, {"c"}, {}), "x");
  EXPECT_EQ(report["epochs"], Json::parse("[0, 1, 2]"));
  const Json& a = report["labels"][1];
  EXPECT_EQ(a["label"], "a");
  EXPECT_EQ(a["curve"]["mean"], Json::parse("[73.0, 71.0, null]"));
  EXPECT_DOUBLE_EQ(a["curve"]["low"][1].get<double>(), 71.0 - std::sqrt(8.0));
  EXPECT_DOUBLE_EQ(a["curve"]["high"][1].get<double>(), 71.0 + std::sqrt(8.0));
  EXPECT_EQ(a["mean_last10"]["values"], Json::parse("[70.0, 74.0]"));
  const Json& b = report["labels"][2];
  EXPECT_EQ(b["curve"]["mean"], Json::parse("[61.0, 59.0, 61.0]"));
  EXPECT_EQ(b["curve"]["low"], Json::parse("[null, null, null]")) << "of one seed";
  EXPECT_EQ(report["labels"][0]["done"], 0);
  EXPECT_EQ(report["differences"],
            Json::parse(R"([{"field": "lr", "values": [null, 0.02, 0.1]}])"));
}

TEST(ComparisonFiles, ThePageShowsEverySectionAndKeepsNamesAsText) {
  const TemporaryFolder folder;
  const std::vector<ComparedRun> lines{run_of("</script><b>", 1, 70.0)};
  write_comparison(folder.path(), gather(lines, {}, {}));
  const std::string page = read_file(folder.path() / "compare.html");
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_EQ(page.find("{{"), std::string::npos);
  for (const std::string id : {"results", "curves", "seeds", "settings"}) {
    EXPECT_NE(page.find(fmt::format("<section id=\"{}\"", id)), std::string::npos) << id;
    EXPECT_NE(page.find(fmt::format("section(\"{}\", report", id)), std::string::npos) << id;
  }
  for (const char* part : {"http:", "https:", " src=", "@import", "url("}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
}

std::string line_of(const ComparedRun& run) {
  return to_text(to_json(run)) + "\n";
}

TEST(ComparisonFolder, KeepsItsRuns) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "new/x";
  EXPECT_THROW(ComparisonFolder::open(path), Error);
  {
    ComparisonFolder comparison = ComparisonFolder::create(path);
    comparison.add(run_of("a", 1, 70.0));
    comparison.add(failed_run("a", 2));
    EXPECT_EQ(comparison.runs().size(), 2U);
  }
  const ComparisonFolder again = ComparisonFolder::create(path);
  ASSERT_EQ(again.runs().size(), 2U);
  EXPECT_EQ(again.runs()[1].failure, failed_run("a", 2).failure);
  EXPECT_EQ(again.run_path("a", 2), path / "a/seed2");
}

TEST(ComparisonFolder, WhatAKilledProcessLeftOfALineIsDropped) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "runs.jsonl";
  const std::string whole = line_of(run_of("a", 1, 70.0));
  const std::string second = line_of(run_of("b", 1, 60.0));
  for (const std::size_t size : {std::size_t{1}, second.size() / 2, second.size() - 2}) {
    write_file_atomically(file, whole + second.substr(0, size));
    EXPECT_EQ(ComparisonFolder::open(folder.path()).runs().size(), 1U) << size;
    ComparisonFolder comparison = ComparisonFolder::create(folder.path());
    comparison.add(run_of("c", 1, 50.0));
    EXPECT_EQ(read_file(file), whole + line_of(run_of("c", 1, 50.0))) << size;
  }
  // Only the end of the line is missing.
  write_file_atomically(file, whole + second.substr(0, second.size() - 1));
  EXPECT_EQ(ComparisonFolder::create(folder.path()).runs().size(), 2U);
  EXPECT_EQ(read_file(file), whole + second);
}

TEST(ComparisonFolder, NothingOfTwoProcessesIsLost) {
  const TemporaryFolder folder;
  ComparisonFolder first = ComparisonFolder::create(folder.path());
  ComparisonFolder second = ComparisonFolder::create(folder.path());
  first.add(run_of("a", 1, 70.0));
  second.add(run_of("b", 1, 60.0));
  EXPECT_EQ(second.runs().size(), 2U);
  EXPECT_EQ(first.runs().size(), 1U) << "as last read";
  first.read();
  EXPECT_EQ(first.runs().size(), 2U);
  // What one that was killed left of a line is not joined to the next one.
  const auto file = folder.path() / "runs.jsonl";
  append_to_file(file, "{\"label\":");
  second.add(run_of("c", 1, 50.0));
  EXPECT_EQ(read_file(file), line_of(run_of("a", 1, 70.0)) + line_of(run_of("b", 1, 60.0)) +
                                 line_of(run_of("c", 1, 50.0)));
  ComparedRun other = run_of("d", 1, 40.0);
  other.data_hash = 7;
  EXPECT_THROW(first.add(other), Error) << "trained on other data than those of the others";
  EXPECT_EQ(ComparisonFolder::open(folder.path()).runs().size(), 3U);
  EXPECT_EQ(update_tables(folder.path(), {"e"}, {}).labels.size(), 4U);
}

TEST(ComparisonFolder, OtherDamageIsNamedByItsLine) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "runs.jsonl";
  const std::string whole = line_of(run_of("a", 1, 70.0));
  Json other_seed = to_json(run_of("a", 1, 70.0));
  other_seed["seed"] = 2;
  Json no_hash = to_json(run_of("a", 1, 70.0));
  no_hash["data_hash"] = "x";
  for (const std::string& line :
       {std::string("{\"label\":\"a\",\"se"), std::string("[]"), std::string("{}"),
        std::string("7"), std::string("null"), std::string(R"({"label": "a", "recipe": 3})"),
        std::string(""), to_text(other_seed), to_text(no_hash)}) {
    const std::string damaged = fmt::format("{}{}\n{}", whole, line, whole);
    write_file_atomically(file, damaged);
    try {
      ComparisonFolder::open(folder.path());
      FAIL() << line;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("line 2 of " + file.string()), std::string::npos)
          << error.what();
    }
    EXPECT_THROW(ComparisonFolder::create(folder.path()), Error) << line;
    EXPECT_EQ(read_file(file), damaged) << "untouched";
  }
}

TEST(ComparisonFolder, IsNotTheFolderOfARun) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "config.json", "{}");
  EXPECT_THROW(ComparisonFolder::create(folder.path()), Error);
}

}  // namespace
}  // namespace bptplr
