#include "bpt_plr/results/report/history.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bpt_plr/recipe/builtin.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;
using Labels = std::vector<std::int64_t>;

/// A run of `epochs` epochs, the first of which is the warm-up.
RunHistory history_of(std::int64_t epochs, bool with_points) {
  RunHistory history;
  for (std::int64_t e = 0; e < epochs; ++e) {
    Json line{{"epoch", e},
              {"loss", 3.0 - 0.001 * static_cast<double>(e)},
              {"test_acc", 50.0},
              {"best_acc", 51.0},
              {"mean_last10", 49.0},
              {"networks", Json::array()},
              {"seconds", {{"train", 30.0}, {"test", 6.0}}}};
    line[e == 0 ? "loss_ce" : "loss_x"] = 1.0;
    for (int k = 0; e > 0 && k < 2; ++k) {
      line["networks"].push_back({{"n_labelled", 2 + k},
                                  {"precision", 0.5},
                                  {"recall", nullptr},
                                  {"auc", 0.75 + 0.125 * k},
                                  {"gmm", {{"clean_component", 1}}},
                                  {"labelled_per_class", {1, 1 + k}}});
    }
    history.metrics.push_back(line);
    if (!with_points || e == 0) continue;
    const Json points{
        {"classifier", {0.5, 0.25}}, {"prototype", {0.0, 1.0}}, {"clean", {0.1, 1.0}}};
    history.selection.push_back(
        {{"epoch", e}, {"samples", {0, 2}}, {"networks", {points, points}}});
  }
  return history;
}

Recipe recipe_of(const std::string& method) {
  Recipe recipe = method_recipe(method);
  recipe.num_class = 2;
  recipe.warm_up = 1;
  return recipe;
}

std::string missing(const ReportSection& section) {
  return section.value("missing", "");
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ReportHistory, ARunWithoutAnEpochSaysSo) {
  const RunHistory none;
  EXPECT_TRUE(report_result(none).is_null());
  EXPECT_TRUE(has(missing(report_curves(none)), "No epoch has ended"));
  const Recipe recipe = recipe_of("bptplr");
  EXPECT_TRUE(has(missing(report_selection(none, recipe, {}, {})), "warm-up"));
  EXPECT_TRUE(has(missing(report_balance(none, recipe, {})), "warm-up"));
}

TEST(ReportHistory, PlainCrossEntropySaysThatItPartitionsNothing) {
  const RunHistory history = history_of(1, false);
  const Recipe recipe = recipe_of("ce");
  EXPECT_TRUE(
      has(missing(report_selection(history, recipe, {}, {})), "trains on all labels (method ce)"));
  EXPECT_TRUE(
      has(missing(report_balance(history, recipe, {})), "trains on all labels (method ce)"));
  EXPECT_EQ(missing(report_curves(history)), "");
}

TEST(ReportHistory, CurvesHaveNullWhereAnEpochHasNoSuchLoss) {
  const ReportSection curves = report_curves(history_of(3, false));
  EXPECT_EQ(curves["epochs"], Json::parse("[0, 1, 2]"));
  EXPECT_EQ(curves["losses"].size(), 3U);
  EXPECT_EQ(curves["losses"]["loss_ce"], Json::parse("[1.0, null, null]"));
  EXPECT_EQ(curves["losses"]["loss_x"], Json::parse("[null, 1.0, 1.0]"));
  const ReportSection result = report_result(history_of(100, false));
  EXPECT_DOUBLE_EQ(result["hours"].get<double>(), 1.0);
  EXPECT_EQ(result["best_acc"], 51.0);
  EXPECT_TRUE(result["wrong_labels"].is_null());
}

TEST(ReportHistory, PartitionsCarryTheirPointsAndWhichLabelsAreWrong) {
  const Labels noisy{0, 1, 1};
  const Labels truth{1, 1, -1};
  const ReportSection section =
      report_selection(history_of(3, true), recipe_of("bptplr"), noisy, truth);
  ASSERT_EQ(section["partitions"].size(), 2U);
  const ReportSection& last = section["partitions"][1];
  EXPECT_EQ(last["epoch"], 2);
  EXPECT_EQ(last["networks"][1]["points"]["classifier"], Json::parse("[0.5, 0.25]"));
  EXPECT_EQ(last["networks"][1]["gmm"]["clean_component"], 1);
  EXPECT_EQ(last["wrong"], Json::parse("[1, null]")) << "of the samples 0 and 2";
  EXPECT_EQ(section["quality"]["auc"], Json::parse("[0.8125, 0.8125]"));
  EXPECT_EQ(section["quality"]["recall"], Json::parse("[null, null]"));
  EXPECT_TRUE(section["note"].empty());
}

TEST(ReportHistory, WithoutSelectionJsonlThereAreNoPoints) {
  const ReportSection section = report_selection(history_of(3, false), recipe_of("bptplr"), {}, {});
  EXPECT_FALSE(section["partitions"][0]["networks"][0].contains("points"));
  EXPECT_FALSE(section["partitions"][0].contains("wrong"));
  EXPECT_TRUE(has(to_text(section["note"]), "no selection.jsonl"));
}

TEST(ReportHistory, OfManyPartitionsFortyAreKeptWithTheFirstAndTheLast) {
  const ReportSection section =
      report_selection(history_of(302, true), recipe_of("bptplr"), {}, {});
  ASSERT_EQ(section["partitions"].size(), 40U);
  EXPECT_EQ(section["partitions"][0]["epoch"], 1);
  EXPECT_EQ(section["partitions"][39]["epoch"], 301);
  EXPECT_EQ(section["quality"]["epochs"].size(), 301U);
  EXPECT_TRUE(has(to_text(section["note"]), "Of 301 partitions 40"));
}

TEST(ReportHistory, BalanceCountsGivenAndLabelledSamples) {
  const Labels noisy{0, 1, 1, 1, 0};
  const RunHistory history = history_of(3, false);
  const ReportSection balance = report_balance(history, recipe_of("bptplr"), noisy);
  EXPECT_EQ(balance["epoch"], 2);
  EXPECT_EQ(balance["given"], Json::parse("[2, 3]"));
  EXPECT_EQ(balance["networks"], Json::parse("[[1, 1], [1, 2]]"));
  EXPECT_TRUE(balance["note"].empty());
  Recipe drawing = recipe_of("bptplr");
  drawing.epoch_size = 4;
  EXPECT_TRUE(has(to_text(report_balance(history, drawing, noisy)["note"]), "draws 4 samples"));
}

}  // namespace
}  // namespace bptplr
