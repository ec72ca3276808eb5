#include "bpt_plr/run/event_log.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "tests/data/sets/cifar10_files.hpp"

namespace bptplr {
namespace {

/// The event files of a folder, oldest first.
std::vector<std::string> files_in(const TemporaryFolder& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<std::string> bytes;
  bytes.reserve(paths.size());
  for (const auto& path : paths) bytes.push_back(read_file(path));
  return bytes;
}

std::int64_t count(const std::string& text, const std::string& part) {
  std::int64_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Recipe recipe_of(std::int64_t num_epochs) {
  Recipe recipe;
  recipe.num_epochs = num_epochs;
  recipe.warm_up = 2;
  recipe.data_path = "a|b";
  return recipe;
}

EpochMetrics warm_up_metrics(std::int64_t epoch) {
  EpochMetrics metrics;
  metrics.epoch = epoch;
  metrics.losses = {{"loss", 2.0}, {"loss_ce", 1.5}, {"contrastive", 0.5}};
  metrics.seconds = {{"train", 3.0}};
  return metrics;
}

Tensor losses(const std::vector<float>& values) {
  return Tensor::from(values, {std::ssize(values)});
}

EpochMetrics divided_metrics(std::int64_t epoch) {
  EpochMetrics metrics = warm_up_metrics(epoch);
  metrics.losses = {{"loss", 2.0}, {"loss_x", 1.0}, {"lambda_u", 30.0}};
  metrics.samples = {4, 9, 12};
  for (int k = 0; k < 2; ++k) {
    NetworkMetrics network;
    network.selection = {2, std::numeric_limits<double>::quiet_NaN(), 0.5, 0.75};
    network.clean = {0.9, 0.1, 0.98765};
    network.gmm.emplace();
    network.gmm->covariances = {{{{{0.01, 0.0}, {0.0, 0.01}}}, {{{0.01, 0.0}, {0.0, 0.01}}}}};
    network.evidence = {losses({0.12345F, 1.0F, 0.0F}), losses({0.25F, 0.5F, 0.75F})};
    metrics.networks.push_back(network);
  }
  metrics.wrong_labels = WrongLabels{1, 1, 1};
  return metrics;
}

TEST(EventLog, NamesCurvesAndDrawsPartitions) {
  const TemporaryFolder folder;
  EventLog log(folder.path(), recipe_of(4));
  log.record(warm_up_metrics(0), {});
  std::string bytes = files_in(folder).at(0);
  for (const char* tag : {"loss/total", "loss/ce", "loss/contrastive", "accuracy/test",
                          "accuracy/best", "accuracy/mean_last10", "seconds/train"}) {
    EXPECT_TRUE(has(bytes, tag)) << tag;
  }
  EXPECT_TRUE(has(bytes, "| warm_up | 2 |")) << "the recipe";
  EXPECT_TRUE(has(bytes, "| data_path | a\\|b |")) << "a bar in a cell";
  EXPECT_FALSE(has(bytes, "network1/"));

  const EpochMetrics metrics = divided_metrics(2);
  log.record(metrics, selection_points(metrics));
  bytes = files_in(folder).at(0);
  for (const char* tag : {"loss/x", "lambda_u", "network1/n_labelled", "network2/recall",
                          "network2/auc", "network1/gmm_clean_weight", "wrong_labels/found"}) {
    EXPECT_TRUE(has(bytes, tag)) << tag;
  }
  EXPECT_FALSE(has(bytes, "loss/lambda_u")) << "it is no loss";
  EXPECT_FALSE(has(bytes, "network1/precision")) << "it is not defined";
  EXPECT_EQ(count(bytes, "network1/selection\x22"), 1) << "the tag, and the key of an image";
  EXPECT_EQ(count(bytes, "\x89PNG"), 4);
}

TEST(EventLog, ALongRunIsDrawnFortyTimesOrSo) {
  const TemporaryFolder folder;
  EventLog log(folder.path(), recipe_of(402));
  for (std::int64_t epoch = 0; epoch < 402; ++epoch) {
    const EpochMetrics metrics = epoch < 2 ? warm_up_metrics(epoch) : divided_metrics(epoch);
    log.record(metrics, selection_points(metrics));
  }
  EXPECT_EQ(count(files_in(folder).at(0), "\x89PNG"), 4 * 41)
      << "every tenth epoch, and the last one";
}

TEST(EventLog, EveryFileBeginsAtItsFirstEpoch) {
  const TemporaryFolder folder;
  EventLog(folder.path(), recipe_of(9)).record(warm_up_metrics(0), {});
  EventLog(folder.path(), recipe_of(9)).record(warm_up_metrics(7), {});
  ASSERT_EQ(files_in(folder).size(), 2U);
  // The second record: 16 bytes of lengths and checksums and 26 of the version come before it, then
  // its length and the time.
  const auto start = [](const std::string& bytes) { return bytes.substr(16 + 26 + 12 + 9, 6); };
  using namespace std::string_literals;
  EXPECT_EQ(start(files_in(folder)[0]), "\x10\x00\x3a\x02\x08\x01"s);
  EXPECT_EQ(start(files_in(folder)[1]), "\x10\x07\x3a\x02\x08\x01"s);
}

/// Makes writes fail that would let a file grow beyond so many bytes.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::size_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST(EventLog, AFailedWriteIsFollowedByAnotherFile) {
  const TemporaryFolder folder;
  EventLog log(folder.path(), recipe_of(9));
  log.record(warm_up_metrics(0), {});
  {
    const FileSizeLimit as_on_a_full_disk(10);
    EXPECT_THROW(log.record(warm_up_metrics(1), {}), Error);
    EXPECT_THROW(log.record(warm_up_metrics(2), {}), Error);
  }
  log.record(warm_up_metrics(3), {});
  log.record(warm_up_metrics(4), {});
  EXPECT_EQ(files_in(folder).size(), 3U);
  EXPECT_EQ(count(files_in(folder).at(2), "loss/total"), 2);
}

}  // namespace
}  // namespace bptplr
