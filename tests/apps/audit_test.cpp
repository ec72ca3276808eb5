// `bptplr audit`: which labels of a run's training set are wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "data/csv.hpp"
#include "engine/io/json.hpp"
#include "tests/apps/run_app.hpp"
#include "tests/data/sets/image_sets.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

void train(const TemporaryFolder& folder, const std::string& flags, const std::string& out) {
  const AppResult result = run_app(folder, "train " + kSmall + flags + " --out " + out);
  ASSERT_EQ(result.exit_code, 0) << result.err;
}

/// The value that a command's last line gives to `name`.
std::string last_value(const std::string& out, const std::string& name) {
  std::istringstream line(out.substr(out.rfind('\n', out.size() - 2) + 1));
  for (std::string word; line >> word;) {
    if (word == name && line >> word) return word;
  }
  return "";
}

std::vector<CsvRow> table(const std::string& path) {
  return parse_csv(read_text(path), path);
}

TEST(AppAudit, JudgesEveryLabelOfARun) {
  const TemporaryFolder folder;
  train(folder, "--r 0.4 --subset 150", "run");
  const AppResult result = run_app(folder, "audit run --top 4");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "150 training images of shapes, 10 classes")) << result.out;
  EXPECT_TRUE(contains(result.out, "predictions of 2 networks, temperature")) << result.out;
  EXPECT_TRUE(contains(result.out, "\n    4 ")) << result.out;
  EXPECT_FALSE(contains(result.out, "\n    5 ")) << result.out;

  const Json noise = parse_json(read_text(folder / "run/noise.json"));
  const Json summary = parse_json(read_text(folder / "run/audit/audit.json"));
  const std::vector<CsvRow> rows = table(folder / "run/audit/suspects.csv");
  // So short a training may be of no use; if it is of some, the labels are those of the table.
  const bool usable = summary["usable"].get<bool>();
  ASSERT_EQ(fs::exists(folder / "run/audit/labels.json"), usable);
  EXPECT_EQ(contains(result.err, "warning: not to be used: "), !usable) << result.err;
  const Json labels =
      usable ? parse_json(read_text(folder / "run/audit/labels.json")) : Json(noise);
  ASSERT_EQ(labels.size(), 150U);
  ASSERT_EQ(rows.size(), 151U);
  EXPECT_EQ(rows[0].fields.back(), "true_label");
  int wrong = 0;
  int flagged = 0;
  for (std::size_t rank = 1; rank < rows.size(); ++rank) {
    const std::vector<std::string>& row = rows[rank].fields;
    const auto index = std::stoul(row[1]);
    EXPECT_EQ(row[2], "") << "shapes have no files";
    EXPECT_EQ(std::stol(row[3]), noise[index].get<long>());
    EXPECT_NE(row[3], row[5]);
    const bool is_flagged = std::stod(row[7]) > 0.5;
    EXPECT_EQ(labels[index].get<long>(), std::stol(usable && is_flagged ? row[5] : row[3]))
        << row[7];
    wrong += row[3] != row[8] ? 1 : 0;
    flagged += is_flagged ? 1 : 0;
  }
  EXPECT_EQ(last_value(result.out, "wrong"), std::to_string(wrong));
  EXPECT_EQ(last_value(result.out, "flagged"), std::to_string(flagged));
  EXPECT_EQ(last_value(result.out, "out"), "run/audit");
  EXPECT_EQ(summary["known"]["wrong"], wrong);
  EXPECT_EQ(summary["flagged"], flagged);
  EXPECT_EQ(summary["known"]["precision_at"].size(), 2U);  // at 100 and at as many as are wrong
  EXPECT_NEAR(std::stod(last_value(result.out, "auc")), summary["known"]["auc"].get<double>(),
              1e-4);

  const AppResult again = run_app(folder, "audit run --threads 1 --json --out elsewhere");
  EXPECT_EQ(parse_json(again.out), summary);
  EXPECT_EQ(read_text(folder / "elsewhere/suspects.csv"),
            read_text(folder / "run/audit/suspects.csv"));
}

TEST(AppAudit, ItsLabelsCanBeTrainedOn) {
  const TemporaryFolder folder;
  // Long enough that the audit is usable: small batches, but small networks.
  train(folder,
        "--method ce --r 0.2 --subset 150 --num_epochs 60 --batch_size 8 --lr 0.05 --width 8",
        "run");
  const AppResult first = run_app(folder, "audit run --threshold 0.05");
  EXPECT_FALSE(contains(first.err, "not to be used")) << first.err;
  EXPECT_GT(std::stoi(last_value(first.out, "corrected")), 0) << first.out;
  // The same subset of the same images, with the labels of the audit.
  const AppResult second = run_app(folder,
                                   "train --recipe run/config.json --noise_file "
                                   "run/audit/labels.json --num_epochs 2 --out second");
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(parse_json(read_text(folder / "second/noise.json")),
            parse_json(read_text(folder / "run/audit/labels.json")));
  // With the noise of a file the run can be audited where that file is gone.
  fs::remove_all(folder / "run");
  EXPECT_EQ(run_app(folder, "audit second").exit_code, 0);

  const AppResult none = run_app(folder, "audit second --threshold 1");
  EXPECT_EQ(last_value(none.out, "corrected"), "0") << none.out;
  if (!contains(none.err, "not to be used")) {
    EXPECT_EQ(parse_json(read_text(folder / "second/audit/labels.json")),
              parse_json(read_text(folder / "second/noise.json")));
  }
}

TEST(AppAudit, RefusesABaselineNearChance) {
  const TemporaryFolder folder;
  train(folder, "--method ce --r 0.2 --subset 150 --num_epochs 12", "run");
  const AppResult result = run_app(folder, "audit run");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "warning: not to be used: ")) << result.err;
  EXPECT_FALSE(fs::exists(folder / "run/audit/labels.json"));
}

TEST(AppAudit, TakesTheLossOfNetworksThatRepeatTheLabels) {
  const TemporaryFolder folder;
  train(folder, "--method ce", "ce");
  const AppResult baseline = run_app(folder, "audit ce");
  EXPECT_EQ(baseline.exit_code, 0) << baseline.err;
  EXPECT_TRUE(contains(baseline.out, "loss of one network alone")) << baseline.out;
  EXPECT_EQ(parse_json(read_text(folder / "ce/audit/audit.json"))["judged_by"], "mixture");
  train(folder, "--method ce --networks 2", "warm_up");
  EXPECT_TRUE(contains(run_app(folder, "audit warm_up").out, "alone"));
}

TEST(AppAudit, NamesTheFilesOfImages) {
  const TemporaryFolder folder;
  write_class_folders(folder / "set/train", 3, 24);
  write_class_folders(folder / "set/test", 3, 2, 100);
  const AppResult trained =
      run_app(folder,
              "train --dataset folder --data_path set --width 4 --blocks 1,1,1,1 --batch_size 8 "
              "--warm_up 1 --num_epochs 2 --image_size 16 --kappa 0:2 --cache_dir cache --out run");
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  fs::rename(folder / "set", folder / "moved");
  EXPECT_EQ(run_app(folder, "audit run").exit_code, 1);
  const AppResult result = run_app(folder, "audit run --data_path moved");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_FALSE(contains(result.out, "wrong labels:")) << "nobody knows: " << result.out;
  EXPECT_EQ(last_value(result.out, "auc"), "");
  const std::vector<CsvRow> rows = table(folder / "run/audit/suspects.csv");
  ASSERT_EQ(rows.size(), 73U);
  EXPECT_EQ(rows[0].fields.back(), "p_wrong");
  for (std::size_t rank = 1; rank < rows.size(); ++rank) {
    const std::vector<std::string>& row = rows[rank].fields;
    EXPECT_TRUE(fs::is_regular_file(folder / row[2])) << row[2];
    EXPECT_TRUE(contains(row[2], "/" + row[4] + "/")) << row[2];
  }
  EXPECT_TRUE(parse_json(read_text(folder / "run/audit/audit.json"))["known"].is_null());
}

TEST(AppAudit, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  train(folder, "", "run");
  const auto expect_error = [&](const std::string& arguments, const std::string& part) {
    const AppResult result = run_app(folder, "audit " + arguments);
    EXPECT_EQ(result.exit_code, 1) << arguments;
    EXPECT_TRUE(contains(result.err, part)) << arguments << ": " << result.err;
  };
  expect_error("nowhere", "there is no folder nowhere");
  write_text(folder / "file", "in the way");
  expect_error("run --out file", "cannot make the folder file");
  EXPECT_EQ(run_app(folder, "audit run --threshold 1.5").exit_code, 2);
  EXPECT_EQ(run_app(folder, "audit run --top -1").exit_code, 2);
  EXPECT_EQ(run_app(folder, "audit").exit_code, 2);
  write_text(folder / "run/noise.json", "[0, 1, 2]");
  expect_error("run", "run/noise.json: 3 labels for 200 training images");
  fs::remove(folder / "run/noise.json");
  expect_error("run", "run/noise.json");
  fs::remove(folder / "run/model2.safetensors");
  fs::remove(folder / "run/model1.safetensors");
  expect_error("run", "holds no model1.safetensors");
}

}  // namespace
}  // namespace bptplr
