#include "bpt_plr/results/report/history.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "engine/error.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;

/// Maximum number of partitions in a page: limits the positions of its slider and its size.
constexpr std::size_t kMostPartitions = 40;

/// Losses in drawing order; an epoch has some of them.
constexpr std::array kLosses = {"loss",   "loss_ce", "loss_gce",    "loss_x",
                                "loss_u", "penalty", "contrastive", "negative_entropy"};

/// Returns the value of a key, or null if there is none.
Json value_or_null(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? Json() : *found;
}

bool has_partition(const Json& epoch) {
  return epoch.contains("networks") && !epoch["networks"].empty();
}

/// Returns the epochs that partitioned the training set.
std::vector<const Json*> partitions_of(const RunHistory& history) {
  std::vector<const Json*> epochs;
  for (const Json& epoch : history.metrics) {
    if (has_partition(epoch)) epochs.push_back(&epoch);
  }
  return epochs;
}

/// Returns `most` of the epochs, evenly spaced and including the last.
std::vector<const Json*> thinned(const std::vector<const Json*>& epochs, std::size_t most) {
  if (epochs.size() <= most) return epochs;
  std::vector<const Json*> kept;
  for (std::size_t i = 0; i < most; ++i)
    kept.push_back(epochs[i * (epochs.size() - 1) / (most - 1)]);
  return kept;
}

ReportSection quality_of(const std::vector<const Json*>& epochs) {
  ReportSection quality;
  for (const char* key : {"epochs", "auc", "precision", "recall"}) quality[key] = Json::array();
  for (const Json* epoch : epochs) {
    quality["epochs"].push_back((*epoch)["epoch"]);
    for (const char* key : {"auc", "precision", "recall"}) {
      quality[key].push_back(mean_of_networks(*epoch, key));
    }
  }
  return quality;
}

/// Returns 1 for each of `samples` with a wrong label and 0 for others; null where unknown.
Json wrong_labels(const Json& samples, std::span<const std::int64_t> noisy_labels,
                  std::span<const std::int64_t> true_labels) {
  Json wrong = Json::array();
  for (const Json& sample : samples) {
    const auto i = sample.get<std::size_t>();
    const bool known = i < true_labels.size() && i < noisy_labels.size() && true_labels[i] >= 0;
    wrong.push_back(known ? Json(noisy_labels[i] != true_labels[i] ? 1 : 0) : Json());
  }
  return wrong;
}

/// Returns one network's part of a partition; `points`: its part of a line of selection.jsonl, or
/// null.
ReportSection network_of(const Json& network, const Json& points) {
  ReportSection part;
  for (const char* key : {"n_labelled", "precision", "recall", "auc"}) {
    part["selection"][key] = value_or_null(network, key);
  }
  part["gmm"] = network.at("gmm");
  if (!points.is_null()) part["points"] = points;
  return part;
}

}  // namespace

Json mean_of_networks(const Json& epoch, const char* key) {
  if (!has_partition(epoch)) return {};
  double sum = 0.0;
  for (const Json& network : epoch["networks"]) {
    const Json value = value_or_null(network, key);
    if (!value.is_number()) return {};
    sum += value.get<double>();
  }
  return sum / static_cast<double>(epoch["networks"].size());
}

double training_seconds(const RunHistory& history) {
  double seconds = 0.0;
  for (const Json& epoch : history.metrics) {
    const Json phases = value_or_null(epoch, "seconds");
    for (const auto& [phase, value] : phases.items()) seconds += value.get<double>();
  }
  return seconds;
}

ReportSection no_partition(const Recipe& recipe) {
  if (!divides(recipe)) {
    return {{"missing",
             fmt::format("This run trains on all labels (method {}) and does not partition the "
                         "training set.",
                         recipe.method)}};
  }
  return {{"missing", fmt::format("No epoch has partitioned the training set yet: the first {} are "
                                  "warm-up.",
                                  recipe.warm_up)}};
}

ReportSection report_result(const RunHistory& history) {
  if (history.metrics.empty()) return nullptr;
  const Json& last = history.metrics.back();
  ReportSection result;
  for (const char* key : {"test_acc", "best_acc", "mean_last10"}) {
    result[key] = value_or_null(last, key);
  }
  result["hours"] = training_seconds(history) / 3600.0;
  result["wrong_labels"] = value_or_null(last, "wrong_labels");
  return result;
}

ReportSection report_curves(const RunHistory& history) {
  if (history.metrics.empty()) {
    return {{"missing", "No epoch has ended yet, so there are no curves."}};
  }
  ReportSection curves;
  curves["epochs"] = Json::array();
  curves["accuracy"] = Json::array();
  curves["losses"] = ReportSection::object();
  for (const Json& epoch : history.metrics) {
    curves["epochs"].push_back(epoch["epoch"]);
    curves["accuracy"].push_back(value_or_null(epoch, "test_acc"));
  }
  for (const char* loss : kLosses) {
    const bool is_used = std::ranges::any_of(
        history.metrics, [&](const Json& epoch) { return epoch.contains(loss); });
    if (!is_used) continue;
    for (const Json& epoch : history.metrics) {
      curves["losses"][loss].push_back(value_or_null(epoch, loss));
    }
  }
  return curves;
}

ReportSection report_selection(const RunHistory& history, const Recipe& recipe,
                               std::span<const std::int64_t> noisy_labels,
                               std::span<const std::int64_t> true_labels) {
  const auto all = partitions_of(history);
  if (all.empty()) return no_partition(recipe);
  std::map<std::int64_t, const Json*> lines;
  for (const Json& line : history.selection) lines[line["epoch"].get<std::int64_t>()] = &line;

  ReportSection section;
  const auto epochs = thinned(all, kMostPartitions);
  for (const Json* epoch : epochs) {
    const auto line = lines.find((*epoch)["epoch"].get<std::int64_t>());
    ReportSection partition{{"epoch", (*epoch)["epoch"]}, {"networks", Json::array()}};
    for (std::size_t k = 0; k < (*epoch)["networks"].size(); ++k) {
      const Json points = line == lines.end() ? Json() : line->second->at("networks").at(k);
      partition["networks"].push_back(network_of((*epoch)["networks"][k], points));
    }
    if (line != lines.end() && !true_labels.empty()) {
      partition["wrong"] = wrong_labels(line->second->at("samples"), noisy_labels, true_labels);
    }
    section["partitions"].push_back(std::move(partition));
  }
  section["quality"] = quality_of(all);
  section["note"] = Json::array();
  if (epochs.size() < all.size()) {
    section["note"].push_back(
        fmt::format("Of {} partitions {} are shown here.", all.size(), epochs.size()));
  }
  if (lines.empty()) {
    section["note"].push_back("The points are missing, because the run has no selection.jsonl.");
  }
  return section;
}

ReportSection report_balance(const RunHistory& history, const Recipe& recipe,
                             std::span<const std::int64_t> noisy_labels) {
  const auto epochs = partitions_of(history);
  if (epochs.empty()) return no_partition(recipe);
  const Json& last = *epochs.back();
  ReportSection balance{{"epoch", last["epoch"]}, {"networks", Json::array()}};
  for (const Json& network : last["networks"]) {
    if (!network.contains("labelled_per_class")) {
      return {
          {"missing", "metrics.jsonl does not say how many samples of each class were labelled."}};
    }
    balance["networks"].push_back(network["labelled_per_class"]);
  }
  std::vector<std::int64_t> given(static_cast<std::size_t>(recipe.num_class));
  for (const std::int64_t label : noisy_labels) ++given[static_cast<std::size_t>(label)];
  balance["given"] = given;
  balance["note"] = Json::array();
  if (recipe.epoch_size > 0) {
    balance["note"].push_back(
        fmt::format("Given labels are counted over the whole training set, of which each epoch "
                    "draws {} samples.",
                    recipe.epoch_size));
  }
  return balance;
}

}  // namespace bptplr
