#include "bpt_plr/run/run_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "tests/data/sets/cifar10_files.hpp"

namespace bptplr {
namespace {

Dataset three_classes() {
  Dataset dataset;
  dataset.name = "folder";
  dataset.class_names = {"a, \"b\"", "caf\xc3\xa9", "0"};
  dataset.mean = {0.1F, 1.0F / 3.0F, 0.7F};
  dataset.std = {0.2F, 0.25F, 1.0F / 7.0F};
  dataset.train.images = Images::in_memory(24, 24, std::vector<std::uint8_t>(24 * 24 * 3));
  return dataset;
}

TEST(RunFolder, ClassesReadBackAsTheyWereWritten) {
  const TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder.path() / "run");
  const Dataset written = three_classes();
  run.write_classes(written);
  const Dataset read = run.read_classes();
  EXPECT_EQ(read.name, written.name);
  EXPECT_EQ(read.class_names, written.class_names);
  EXPECT_EQ(read.mean, written.mean);
  EXPECT_EQ(read.std, written.std);
  EXPECT_EQ(read.test.images.height, 24);
  EXPECT_EQ(read.test.images.width, 24);
  EXPECT_EQ(read.train.images.count, 0);
}

TEST(RunFolder, ClassesOfAnotherKindAreRefused) {
  const TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder.path() / "run");
  EXPECT_THROW(run.read_classes(), Error);
  run.write_classes(three_classes());
  const std::string whole = read_file(run.path() / "classes.json");
  const auto refuses = [&](const std::string& text) {
    write_file_atomically(run.path() / "classes.json", text);
    EXPECT_THROW(run.read_classes(), Error) << text;
  };
  for (const char* text : {"", "[]", "{}", "null", R"({"dataset": "x", "classes": 3})"}) {
    refuses(text);
  }
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  refuses(whole.substr(0, whole.size() - 3));
  refuses(changed("\"image_side\": 24", "\"image_side\": 0"));
  refuses(changed("\"image_side\": 24", "\"image_side\": 1000000"));
  refuses(changed("\"0\"", "0"));
  refuses(changed("\"mean\": [", "\"mean\": [], \"x\": ["));
}

void write_lines(RunLog log, const char* lines) {
  log.add(lines);
  log.write();
}

TEST(RunFolder, LinesThatArePartOfOneArePassedOver) {
  const TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder.path() / "run");
  EXPECT_TRUE(run.read_metrics().empty());
  write_lines(run.metrics_log(),
              "{\"epoch\":0,\"z\":1,\"a\":2}\n{\"epoch\":1}\n\nnull\n{\"epoch\":\"2\"}\n{\"epo");
  write_lines(run.selection_log(), "{\"epoch\":1,\"samples\":[]}\n");
  const auto metrics = run.read_metrics();
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_EQ(to_text(metrics[0]), R"({"epoch":0,"z":1,"a":2})");
  EXPECT_EQ(metrics[1]["epoch"], 1);
  EXPECT_EQ(run.read_selection().size(), 1U);
}

TEST(RunFolder, RewindsMetricsAndSelectionToAnEpoch) {
  const TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder.path() / "run");
  run.rewind(0);
  EXPECT_FALSE(std::filesystem::exists(run.path() / "metrics.jsonl"));
  write_lines(run.metrics_log(), "{\"epoch\":0, \"x\":1.0e0}\n{\"epoch\":1}\n{\"epoch\":2}\n{\"ep");
  write_lines(run.selection_log(), "{\"epoch\":1}\n{\"epoch\":2}\n");
  run.rewind(2);
  EXPECT_EQ(read_file(run.path() / "metrics.jsonl"), "{\"epoch\":0, \"x\":1.0e0}\n{\"epoch\":1}\n");
  EXPECT_EQ(read_file(run.path() / "selection.jsonl"), "{\"epoch\":1}\n");
}

}  // namespace
}  // namespace bptplr
