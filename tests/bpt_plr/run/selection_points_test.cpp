#include "bpt_plr/run/selection_points.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "engine/io/json.hpp"

namespace bptplr {
namespace {

Tensor losses(const std::vector<float>& values) {
  return Tensor::from(values, {std::ssize(values)});
}

/// Two networks' judgement of three samples.
EpochMetrics divided_metrics(std::int64_t epoch) {
  EpochMetrics metrics;
  metrics.epoch = epoch;
  metrics.samples = {4, 9, 12};
  for (int k = 0; k < 2; ++k) {
    NetworkMetrics network;
    network.clean = {0.9, 0.1, 0.98765};
    network.evidence = {losses({0.12345F, 1.0F, 0.0F}), losses({0.25F, 0.5F, 0.75F})};
    metrics.networks.push_back(network);
  }
  return metrics;
}

TEST(SelectionPoints, AreEvenlySpacedAndRounded) {
  const EpochMetrics metrics = divided_metrics(5);
  const SelectionPoints all = selection_points(metrics);
  EXPECT_EQ(
      to_text(to_json(all)),
      R"({"epoch":5,"samples":[4,9,12],"networks":[)"
      R"({"classifier":[0.123,1.0,0.0],"prototype":[0.25,0.5,0.75],"clean":[0.9,0.1,0.9877]},)"
      R"({"classifier":[0.123,1.0,0.0],"prototype":[0.25,0.5,0.75],"clean":[0.9,0.1,0.9877]}]})");
  const SelectionPoints two = selection_points(metrics, 2);
  EXPECT_EQ(two.samples, (std::vector<std::int64_t>{4, 9}));
  EXPECT_EQ(two.networks[1].prototype, (std::vector<double>{0.25, 0.5}));
  EXPECT_TRUE(selection_points(EpochMetrics{}).networks.empty());
}

}  // namespace
}  // namespace bptplr
