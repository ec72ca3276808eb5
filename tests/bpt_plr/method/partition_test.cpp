#include "bpt_plr/method/partition.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/error.hpp"
#include "engine/random.hpp"

namespace bptplr {
namespace {

using Indices = std::vector<std::int64_t>;

/// The definition: per class, sort all its samples and take from the front.
Indices plain_labelled(const std::vector<double>& w, const Indices& labels, std::int64_t classes) {
  std::int64_t n = 0;
  for (const double value : w) n += value > 0.5 ? 1 : 0;
  Indices labelled;
  for (std::int64_t c = 0; c < classes; ++c) {
    Indices of_class;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == c) of_class.push_back(static_cast<std::int64_t>(i));
    }
    std::stable_sort(of_class.begin(), of_class.end(), [&](std::int64_t a, std::int64_t b) {
      return w[static_cast<std::size_t>(a)] > w[static_cast<std::size_t>(b)];
    });
    of_class.resize(std::min(of_class.size(), static_cast<std::size_t>(n / classes)));
    labelled.insert(labelled.end(), of_class.begin(), of_class.end());
  }
  std::sort(labelled.begin(), labelled.end());
  return labelled;
}

TEST(BalancedPartition, EqualsThePlainOne) {
  for (std::uint32_t round = 0; round < 200; ++round) {
    Philox random(3, Purpose::kTest, 0, round);
    const auto samples = static_cast<std::size_t>(random.below(300));
    const std::int64_t classes = 1 + random.below(12);
    std::vector<double> w(samples);
    Indices labels(samples);
    for (std::size_t i = 0; i < samples; ++i) {
      w[i] = random.below(20) / 19.0;  // many ties
      labels[i] = std::min(random.below(static_cast<std::uint32_t>(classes)),
                           random.below(static_cast<std::uint32_t>(classes)));  // unbalanced
    }
    const Partition partition = balanced_partition(w, labels, classes);
    EXPECT_EQ(partition.labelled, plain_labelled(w, labels, classes));
    Indices all = partition.labelled;
    all.insert(all.end(), partition.unlabelled.begin(), partition.unlabelled.end());
    std::sort(all.begin(), all.end());
    ASSERT_EQ(all.size(), samples);
    for (std::size_t i = 0; i < samples; ++i) EXPECT_EQ(all[i], static_cast<std::int64_t>(i));
    EXPECT_TRUE(std::is_sorted(partition.unlabelled.begin(), partition.unlabelled.end()));
  }
}

TEST(BalancedPartition, TakesTheLowerIndexOfEqualProbabilities) {
  const Partition partition =
      balanced_partition(std::vector<double>{1, 1, 0, 1, 1, 0}, Indices{0, 0, 1, 0, 0, 1}, 2);
  EXPECT_EQ(partition.budget, 2);
  EXPECT_EQ(partition.labelled, (Indices{0, 1, 2, 5}));
  EXPECT_EQ(partition.unlabelled, (Indices{3, 4}));
}

TEST(BalancedPartition, TellsApartProbabilitiesThatFloatCannot) {
  const double almost = 1.0 - 1e-12;
  const Partition partition =
      balanced_partition(std::vector<double>{almost, 1.0, 0.0}, Indices{0, 0, 1}, 2);
  EXPECT_EQ(partition.labelled, (Indices{1, 2}));
}

TEST(BalancedPartition, HalfIsNotClean) {
  const Partition partition = balanced_partition(std::vector<double>{0.5, 0.5}, Indices{0, 0}, 1);
  EXPECT_TRUE(partition.labelled.empty());
  EXPECT_EQ(partition.unlabelled.size(), 2U);
}

TEST(BalancedPartition, EitherSetMayBeEmpty) {
  EXPECT_TRUE(balanced_partition(std::vector<double>{1, 1}, Indices{0, 1}, 2).unlabelled.empty());
  EXPECT_TRUE(balanced_partition(std::vector<double>{1}, Indices{0}, 2).labelled.empty());
  EXPECT_TRUE(balanced_partition(std::vector<double>{}, Indices{}, 3).labelled.empty());
}

/// The budget is floor(n / C) exactly: floor((n/N) N / C) in floating point loses one for some n.
TEST(BalancedPartition, BudgetIsFreeOfRounding) {
  for (std::int64_t n = 0; n <= 490; ++n) {
    std::vector<double> w(490, 0.0);
    std::fill(w.begin(), w.begin() + n, 1.0);
    EXPECT_EQ(balanced_partition(w, Indices(490, 0), 7).budget, n / 7);
  }
}

TEST(BalancedPartition, RefusesBadInput) {
  const std::vector<double> w{0.1, 0.9};
  EXPECT_THROW(balanced_partition(w, Indices{0}, 2), Error);
  EXPECT_THROW(balanced_partition(w, Indices{0, 2}, 2), Error);
  EXPECT_THROW(balanced_partition(w, Indices{-1, 0}, 2), Error);
  EXPECT_THROW(balanced_partition(w, Indices{0, 0}, 0), Error);
  EXPECT_THROW(balanced_partition(std::vector<double>{0.1, 1.5}, Indices{0, 0}, 2), Error);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(balanced_partition(std::vector<double>{0.1, nan}, Indices{0, 0}, 2), Error);
}

TEST(SelectionMetrics, CountOnlyWhatIsKnown) {
  const Partition partition{{0, 1, 2, 5}, {3, 4, 6}, 2};
  const Indices noisy{0, 1, 2, 0, 1, 2, 0};
  const Indices truth{0, 1, 0, 0, 1, -1, 2};
  const std::vector<double> w{0.9, 0.8, 0.7, 0.7, 0.2, 0.99, 0.1};
  const SelectionMetrics metrics = selection_metrics(partition, w, noisy, truth);
  EXPECT_EQ(metrics.n_labelled, 4);
  EXPECT_DOUBLE_EQ(metrics.precision, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(metrics.recall, 2.0 / 4.0);
  // Correct .9 .8 .7 .2 against wrong .7 .1: of 8 pairs 6 in order, one tied, one reversed.
  EXPECT_DOUBLE_EQ(metrics.auc, 6.5 / 8.0);
}

TEST(SelectionMetrics, AucEqualsThePairsInOrder) {
  Philox random(3, Purpose::kTest, 1);
  std::vector<double> w(211);
  Indices noisy(211);
  const Indices truth(211, 0);
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = random.below(30) / 29.0;
    noisy[i] = random.below(3) == 0 ? 1 : 0;
  }
  double in_order = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    for (std::size_t j = 0; j < w.size(); ++j) {
      if (noisy[i] != 0 || noisy[j] == 0) continue;
      ++pairs;
      in_order += w[i] > w[j] ? 1.0 : (w[i] == w[j] ? 0.5 : 0.0);
    }
  }
  const Partition partition = balanced_partition(w, noisy, 2);
  EXPECT_NEAR(selection_metrics(partition, w, noisy, truth).auc, in_order / pairs, 1e-12);
}

TEST(SelectionMetrics, WhatIsNotDefinedIsNaN) {
  const std::vector<double> w{0.3, 0.2};
  const Partition none{{}, {0, 1}, 0};
  const SelectionMetrics all_correct = selection_metrics(none, w, Indices{0, 1}, Indices{0, 1});
  EXPECT_TRUE(std::isnan(all_correct.precision));
  EXPECT_EQ(all_correct.recall, 0.0);
  EXPECT_TRUE(std::isnan(all_correct.auc));
  const SelectionMetrics unknown = selection_metrics(none, w, Indices{0, 1}, Indices{-1, -1});
  EXPECT_TRUE(std::isnan(unknown.recall));
  EXPECT_THROW(selection_metrics(none, w, Indices{0}, Indices{0, 1}), Error);
}

}  // namespace
}  // namespace bptplr
