#include "bpt_plr/method/partition.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "bpt_plr/method/ops.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Returns part / whole, NaN if `whole` is 0.
double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN()
                    : static_cast<double>(part) / static_cast<double>(whole);
}

/// Returns the area under the ROC curve by the rank-sum statistic (Mann and Whitney 1947): samples
/// of equal score share the mean of their ranks.
double area_under_curve(std::vector<std::pair<double, bool>> scores) {
  std::sort(scores.begin(), scores.end());
  double rank_sum = 0;
  std::int64_t positives = 0;
  for (std::size_t begin = 0; begin < scores.size();) {
    std::size_t end = begin;
    std::int64_t tied_positives = 0;
    for (; end < scores.size() && scores[end].first == scores[begin].first; ++end) {
      tied_positives += scores[end].second ? 1 : 0;
    }
    const double mean_rank = static_cast<double>(begin + end + 1) / 2.0;  // ranks count from 1
    rank_sum += static_cast<double>(tied_positives) * mean_rank;
    positives += tied_positives;
    begin = end;
  }
  const auto p = static_cast<double>(positives);
  const auto n = static_cast<double>(scores.size()) - p;
  return p == 0.0 || n == 0.0 ? std::numeric_limits<double>::quiet_NaN()
                              : (rank_sum - p * (p + 1.0) / 2.0) / (p * n);
}

}  // namespace

Partition balanced_partition(const Tensor& clean_probability,
                             std::span<const std::int64_t> noisy_labels, std::int64_t classes,
                             double threshold) {
  const std::int64_t n = clean_probability.numel();
  require(n == std::ssize(noisy_labels),
          "the partition got {} clean probabilities for {} labels; there must be one a sample", n,
          noisy_labels.size());
  require(classes >= 1, "the partition needs at least one class, not {}", classes);
  const Device device = clean_probability.device();
  for (std::size_t i = 0; i < noisy_labels.size(); ++i) {
    if (device.type == DeviceType::kCpu) {
      const double w = clean_probability.data<double>()[i];
      require(w >= 0.0 && w <= 1.0, "the clean probability of sample {} is {}, not within [0, 1]",
              i, w);
    }
    require(noisy_labels[i] >= 0 && noisy_labels[i] < classes,
            "the label of sample {} is {}, but there are the classes 0 to {}", i, noisy_labels[i],
            classes - 1);
  }
  const Tensor labels = Tensor::from(noisy_labels, {n}).to(device);
  const auto [samples, sizes] = partition_samples(clean_probability, labels, classes, threshold);
  const Tensor here = samples.to(Device{});
  const auto all = here.span<std::int64_t>();
  return {{all.begin(), all.begin() + sizes.labelled},
          {all.begin() + sizes.labelled, all.end()},
          sizes.budget};
}

Partition balanced_partition(std::span<const double> clean_probability,
                             std::span<const std::int64_t> noisy_labels, std::int64_t classes,
                             double threshold) {
  return balanced_partition(Tensor::from(clean_probability, {std::ssize(clean_probability)}),
                            noisy_labels, classes, threshold);
}

double correctness_auc(std::span<const double> score, std::span<const std::int64_t> noisy_labels,
                       std::span<const std::int64_t> true_labels) {
  std::vector<std::pair<double, bool>> scores;
  for (std::size_t i = 0; i < score.size(); ++i) {
    if (true_labels[i] >= 0) scores.emplace_back(score[i], noisy_labels[i] == true_labels[i]);
  }
  return area_under_curve(std::move(scores));
}

SelectionMetrics selection_metrics(const Partition& partition,
                                   std::span<const double> clean_probability,
                                   std::span<const std::int64_t> noisy_labels,
                                   std::span<const std::int64_t> true_labels) {
  const std::size_t samples = noisy_labels.size();
  require(clean_probability.size() == samples && true_labels.size() == samples &&
              partition.labelled.size() + partition.unlabelled.size() == samples,
          "selection metrics got {} labels, {} true labels, {} clean probabilities and a partition "
          "of {} samples; all must be the same number",
          samples, true_labels.size(), clean_probability.size(),
          partition.labelled.size() + partition.unlabelled.size());
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < samples; ++i) {
    correct += true_labels[i] >= 0 && noisy_labels[i] == true_labels[i] ? 1 : 0;
  }
  std::int64_t labelled = 0;
  std::int64_t labelled_correct = 0;
  for (const std::int64_t index : partition.labelled) {
    const auto i = static_cast<std::size_t>(index);
    if (true_labels[i] < 0) continue;
    ++labelled;
    labelled_correct += noisy_labels[i] == true_labels[i] ? 1 : 0;
  }
  SelectionMetrics metrics;
  metrics.n_labelled = static_cast<std::int64_t>(partition.labelled.size());
  metrics.precision = ratio(labelled_correct, labelled);
  metrics.recall = ratio(labelled_correct, correct);
  metrics.auc = correctness_auc(clean_probability, noisy_labels, true_labels);
  return metrics;
}

}  // namespace bptplr
