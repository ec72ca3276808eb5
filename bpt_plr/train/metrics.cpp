#include "bpt_plr/train/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.hpp"

namespace bptplr {
namespace {

using OrderedJson = nlohmann::ordered_json;

/// Returns the value as JSON; null if it is not finite, for which JSON has no number.
OrderedJson number_or_null(double value) {
  return std::isfinite(value) ? OrderedJson(value) : OrderedJson(nullptr);
}

OrderedJson to_json(const GmmFit& gmm) {
  OrderedJson means = OrderedJson::array();
  OrderedJson weights = OrderedJson::array();
  for (std::size_t k = 0; k < gmm.means.size(); ++k) {
    means.push_back(
        OrderedJson::array({number_or_null(gmm.means[k][0]), number_or_null(gmm.means[k][1])}));
    weights.push_back(number_or_null(gmm.weights[k]));
  }
  OrderedJson json;
  json["means"] = std::move(means);
  json["covariances"] = gmm.covariances;
  json["weights"] = std::move(weights);
  json["clean_component"] = gmm.clean_component;
  return json;
}

OrderedJson to_json(const NetworkMetrics& network) {
  OrderedJson json;
  json["n_labelled"] = network.selection.n_labelled;
  json["precision"] = number_or_null(network.selection.precision);
  json["recall"] = number_or_null(network.selection.recall);
  json["auc"] = number_or_null(network.selection.auc);
  json["auc_classifier"] = number_or_null(network.auc_classifier);
  json["auc_prototype"] = number_or_null(network.auc_prototype);
  json["gmm"] = network.gmm ? to_json(*network.gmm) : OrderedJson(nullptr);
  json["labelled_per_class"] = network.labelled_per_class;
  return json;
}

std::vector<std::int64_t> labelled_per_class(const Partition& partition,
                                             const EpochSamples& samples, std::int64_t num_class) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(num_class));
  for (const std::int64_t i : partition.labelled) {
    ++counts[static_cast<std::size_t>(samples.noisy_labels[static_cast<std::size_t>(i)])];
  }
  return counts;
}

/// Returns the AUC of detecting correct labels by small figures.
double figure_auc(const Tensor& figures, const EpochSamples& samples) {
  if (!figures.defined()) return std::numeric_limits<double>::quiet_NaN();
  const Tensor values = figures.to(Device{});
  std::vector<double> score;
  score.reserve(static_cast<std::size_t>(values.numel()));
  for (const float value : values.span<float>()) score.push_back(-static_cast<double>(value));
  return correctness_auc(score, samples.noisy_labels, samples.true_labels);
}

}  // namespace

NetworkMetrics network_metrics(const Division& division, const Evidence& evidence,
                               const EpochSamples& samples, std::int64_t num_class) {
  return {selection_metrics(division.partition, division.clean, samples.noisy_labels,
                            samples.true_labels),
          division.gmm,
          division.clean,
          evidence,
          labelled_per_class(division.partition, samples, num_class),
          figure_auc(evidence.first, samples),
          figure_auc(evidence.second, samples)};
}

std::optional<WrongLabels> count_wrong_labels(const std::vector<bool>& flagged,
                                              std::span<const std::int64_t> noisy_labels,
                                              std::span<const std::int64_t> true_labels) {
  const std::size_t samples = noisy_labels.size();
  require(true_labels.size() == samples && flagged.size() == samples,
          "there are {} labels, but {} true ones and {} that are flagged or not", samples,
          true_labels.size(), flagged.size());
  if (std::ranges::all_of(true_labels, [](std::int64_t label) { return label < 0; })) return {};
  WrongLabels count;
  for (std::size_t i = 0; i < samples; ++i) {
    if (true_labels[i] < 0) continue;
    const bool wrong = noisy_labels[i] != true_labels[i];
    count.wrong += wrong ? 1 : 0;
    count.flagged += flagged[i] ? 1 : 0;
    count.found += wrong && flagged[i] ? 1 : 0;
  }
  return count;
}

std::optional<WrongLabels> find_wrong_labels(std::span<const NetworkMetrics> networks,
                                             std::span<const std::int64_t> noisy_labels,
                                             std::span<const std::int64_t> true_labels) {
  require(!networks.empty(), "there is no partition to find wrong labels in");
  const std::size_t samples = noisy_labels.size();
  std::vector<double> clean(samples);
  for (const NetworkMetrics& network : networks) {
    require(network.clean.size() == samples, "there are {} labels, but {} clean probabilities",
            samples, network.clean.size());
    for (std::size_t i = 0; i < samples; ++i) clean[i] += network.clean[i];
  }
  const double half = 0.5 * static_cast<double>(networks.size());
  std::vector<bool> flagged(samples);
  for (std::size_t i = 0; i < samples; ++i) flagged[i] = clean[i] <= half;
  return count_wrong_labels(flagged, noisy_labels, true_labels);
}

void report_division(std::span<const Division> divisions, std::span<const Evidence> evidence,
                     const EpochSamples& samples, std::int64_t num_class, EpochMetrics& metrics) {
  for (std::size_t i = 0; i < divisions.size(); ++i) {
    metrics.networks.push_back(network_metrics(divisions[i], evidence[i], samples, num_class));
  }
  metrics.samples = samples.indices;
  metrics.wrong_labels =
      find_wrong_labels(metrics.networks, samples.noisy_labels, samples.true_labels);
}

OrderedJson to_json(const EpochMetrics& metrics) {
  OrderedJson json;
  json["epoch"] = metrics.epoch;
  json["phase"] = metrics.phase;
  json["lr"] = number_or_null(metrics.lr);
  for (const auto& [name, value] : metrics.losses) json[name] = number_or_null(value);
  json["test_acc"] = number_or_null(metrics.test_acc);
  json["best_acc"] = number_or_null(metrics.best_acc);
  json["mean_last10"] = number_or_null(metrics.mean_last10);
  json["networks"] = OrderedJson::array();
  for (const NetworkMetrics& network : metrics.networks) {
    json["networks"].push_back(to_json(network));
  }
  if (metrics.wrong_labels) {
    const WrongLabels& labels = *metrics.wrong_labels;
    json["wrong_labels"] = {
        {"wrong", labels.wrong}, {"flagged", labels.flagged}, {"found", labels.found}};
  }
  json["seconds"] = OrderedJson::object();
  for (const auto& [phase, value] : metrics.seconds) json["seconds"][phase] = number_or_null(value);
  json["images_per_s"] = number_or_null(metrics.images_per_s);
  json["peak_memory_gib"] = number_or_null(metrics.peak_memory_gib);
  return json;
}

}  // namespace bptplr
