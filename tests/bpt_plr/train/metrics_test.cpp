#include "bpt_plr/train/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/error.hpp"

namespace bptplr {
namespace {

using Labels = std::vector<std::int64_t>;

/// Six samples of three classes; the labels of the last two are wrong.
EpochSamples samples() {
  return {{0, 1, 2, 3, 4, 5}, {0, 1, 2, 0, 1, 2}, {0, 1, 2, 0, 2, 0}};
}

TEST(NetworkMetrics, CountsByLabelAndRanksByEachFigure) {
  Division division;
  division.partition = partition_where({true, true, false, true, true, false});
  division.clean = {0.9, 0.8, 0.4, 0.9, 0.7, 0.1};
  Evidence evidence;
  evidence.first = Tensor::from<float>({0.0F, 0.1F, 0.2F, 0.1F, 0.9F, 1.0F}, {6});
  const NetworkMetrics one = network_metrics(division, evidence, samples(), 3);
  EXPECT_EQ(one.labelled_per_class, (Labels{2, 2, 0}));
  EXPECT_EQ(one.selection.n_labelled, 4);
  EXPECT_EQ(one.selection.precision, 0.75);
  EXPECT_EQ(one.selection.recall, 0.75);
  EXPECT_EQ(one.auc_classifier, 1.0) << "a small loss tells a correct label";
  EXPECT_TRUE(std::isnan(one.auc_prototype)) << "there is no such figure";

  evidence.second = Tensor::from<float>({1.0F, 1.0F, 1.0F, 1.0F, 0.0F, 0.0F}, {6});
  EXPECT_EQ(network_metrics(division, evidence, samples(), 3).auc_prototype, 0.0);
}

NetworkMetrics that_holds(std::vector<double> clean) {
  NetworkMetrics network;
  network.clean = std::move(clean);
  return network;
}

TEST(WrongLabels, AreFlaggedByTheMeanOfTheNetworksUpToOneHalf) {
  const auto [indices, noisy, truth] = samples();
  const std::vector<NetworkMetrics> networks{that_holds({0.9, 0.2, 0.9, 0.9, 0.3, 0.9}),
                                             that_holds({0.9, 0.8, 0.9, 0.9, 0.4, 0.9})};
  const auto found = find_wrong_labels(networks, noisy, truth);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->wrong, 2);
  EXPECT_EQ(found->flagged, 2) << "the second, at exactly one half, and the fifth";
  EXPECT_EQ(found->found, 1);
}

TEST(WrongLabels, OfUnknownTruthAreLeftOut) {
  const std::vector<bool> flagged{true, true, false};
  const auto some = count_wrong_labels(flagged, Labels{0, 1, 2}, Labels{-1, 0, -1});
  ASSERT_TRUE(some);
  EXPECT_EQ(some->wrong, 1);
  EXPECT_EQ(some->flagged, 1);
  EXPECT_EQ(some->found, 1);
  EXPECT_FALSE(count_wrong_labels(flagged, Labels{0, 1, 2}, Labels{-1, -1, -1}));
  EXPECT_THROW(count_wrong_labels(flagged, Labels{0, 1}, Labels{0, 1}), Error);
  EXPECT_THROW(find_wrong_labels({}, Labels{0}, Labels{0}), Error);
  const std::vector<NetworkMetrics> short_one{that_holds({0.5})};
  EXPECT_THROW(find_wrong_labels(short_one, Labels{0, 1}, Labels{0, 1}), Error);
}

}  // namespace
}  // namespace bptplr
