#include "bpt_plr/results/audit/summary.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bpt_plr/method/partition.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kFlagged = 0.5;

std::vector<bool> flagged_by(const Audit& audit) {
  std::vector<bool> flagged(audit.wrong_probability.size());
  for (std::size_t i = 0; i < flagged.size(); ++i) {
    flagged[i] = audit.wrong_probability[i] > kFlagged;
  }
  return flagged;
}

std::vector<bool> flagged_by_mixture(const std::vector<double>& clean_probability) {
  std::vector<bool> flagged(clean_probability.size());
  for (std::size_t i = 0; i < flagged.size(); ++i) flagged[i] = clean_probability[i] <= 0.5;
  return flagged;
}

/// Returns the AUC of the ranking, which ends with the most certainly right labels.
double ranking_auc(const Audit& audit, const TrainingData& data) {
  std::vector<double> rank(audit.ranking.size());
  for (std::size_t k = 0; k < rank.size(); ++k) {
    rank[static_cast<std::size_t>(audit.ranking[k])] = static_cast<double>(k);
  }
  return correctness_auc(rank, data.noisy_labels, data.true_labels);
}

/// Returns AuditQuality::precision_at in one pass over the ranking.
std::map<std::int64_t, double> precisions(const Audit& audit, const TrainingData& data,
                                          std::int64_t wrong) {
  std::map<std::int64_t, double> precision_at;
  std::int64_t seen = 0;
  std::int64_t found = 0;
  for (const std::int64_t sample : audit.ranking) {
    const auto i = static_cast<std::size_t>(sample);
    if (data.true_labels[i] < 0) continue;
    ++seen;
    found += data.noisy_labels[i] != data.true_labels[i] ? 1 : 0;
    if (seen == 100 || seen == 500 || seen == 1000 || seen == wrong) {
      precision_at[seen] = static_cast<double>(found) / static_cast<double>(seen);
    }
  }
  return precision_at;
}

std::optional<AuditQuality> quality_of(const Audit& audit, const TrainingData& data) {
  const auto labels = count_wrong_labels(flagged_by(audit), data.noisy_labels, data.true_labels);
  if (!labels) return {};
  AuditQuality quality;
  quality.labels = *labels;
  quality.auc = ranking_auc(audit, data);
  quality.precision_at = precisions(audit, data, labels->wrong);
  double squares = 0.0;
  std::int64_t known = 0;
  std::int64_t right = 0;
  for (std::size_t i = 0; i < data.true_labels.size(); ++i) {
    if (data.true_labels[i] < 0) continue;
    const bool wrong = data.noisy_labels[i] != data.true_labels[i];
    const double error = audit.wrong_probability[i] - (wrong ? 1.0 : 0.0);
    squares += error * error;
    ++known;
    right += wrong && audit.suggested[i] == data.true_labels[i] ? 1 : 0;
  }
  quality.brier = squares / static_cast<double>(known);
  quality.suggested_right = static_cast<double>(right) / static_cast<double>(labels->wrong);
  const std::vector<double>& clean = audit.evidence.clean_probability;
  quality.mixture =
      *count_wrong_labels(flagged_by_mixture(clean), data.noisy_labels, data.true_labels);
  quality.mixture_auc = correctness_auc(clean, data.noisy_labels, data.true_labels);
  return quality;
}

/// Returns the class, other than the label, that is most frequent among the samples with this
/// label; -1 where every such class is expected less than 0.5 times.
std::int64_t most_confused(const Audit& audit, std::size_t label, std::size_t classes) {
  const double* row = audit.joint.data() + label * classes;
  std::int64_t most = -1;
  for (std::size_t c = 0; c < classes; ++c) {
    if (c == label || row[c] < 0.5) continue;
    if (most < 0 || row[c] > row[most]) most = static_cast<std::int64_t>(c);
  }
  return most;
}

std::vector<AuditedClass> audited_classes(const Audit& audit, const TrainingData& data) {
  const auto classes = static_cast<std::size_t>(data.dataset.num_classes());
  std::vector<AuditedClass> by_class(classes);
  std::vector<std::int64_t> known(classes, 0);
  for (std::size_t i = 0; i < data.noisy_labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(data.noisy_labels[i]);
    AuditedClass& of = by_class[label];
    const double p_wrong = audit.wrong_probability[i];
    const bool flagged = p_wrong > kFlagged;
    ++of.samples;
    of.expected_wrong += p_wrong;
    of.flagged += flagged ? 1 : 0;
    if (data.true_labels[i] < 0) continue;
    if (!of.known) of.known.emplace();
    const bool wrong = data.noisy_labels[i] != data.true_labels[i];
    of.known->wrong += wrong ? 1 : 0;
    of.known->flagged += flagged ? 1 : 0;
    of.known->found += wrong && flagged ? 1 : 0;
  }
  for (std::size_t c = 0; c < classes; ++c) {
    by_class[c].confused_with = most_confused(audit, c, classes);
  }
  return by_class;
}

/// Rounds to four decimals: further ones are noise and take space in large matrices.
double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

Json matrix_json(const std::vector<double>& matrix, std::size_t classes) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < classes; ++i) {
    Json row = Json::array();
    for (std::size_t j = 0; j < classes; ++j) row.push_back(rounded(matrix[i * classes + j]));
    rows.push_back(std::move(row));
  }
  return rows;
}

Json classes_json(const AuditSummary& summary, const Dataset& dataset) {
  Json list = Json::array();
  for (std::size_t c = 0; c < summary.by_class.size(); ++c) {
    const AuditedClass& of = summary.by_class[c];
    Json json{{"label", c},
              {"name", dataset.class_names[c]},
              {"samples", of.samples},
              {"expected_wrong", rounded(of.expected_wrong)},
              {"flagged", of.flagged}};
    json["mostly"] = nullptr;
    if (of.confused_with >= 0) {
      json["mostly"] = dataset.class_names[static_cast<std::size_t>(of.confused_with)];
    }
    if (of.known) {
      json["wrong"] = of.known->wrong;
      json["found"] = of.known->found;
    }
    list.push_back(std::move(json));
  }
  return list;
}

/// Undefined figures are NaN, written as null.
Json quality_json(const AuditQuality& quality) {
  Json precision = Json::object();
  for (const auto& [k, share] : quality.precision_at) {
    precision[std::to_string(k)] = share;
  }
  return {{"wrong", quality.labels.wrong},
          {"flagged", quality.labels.flagged},
          {"found", quality.labels.found},
          {"auc", quality.auc},
          {"precision_at", precision},
          {"brier", quality.brier},
          {"suggested_right", quality.suggested_right},
          {"mixture",
           {{"flagged", quality.mixture.flagged},
            {"found", quality.mixture.found},
            {"auc", quality.mixture_auc}}}};
}

}  // namespace

AuditSummary summarize(const Audit& audit, const TrainingData& data) {
  AuditSummary summary;
  summary.samples = std::ssize(data.noisy_labels);
  summary.by_class = audited_classes(audit, data);
  for (const AuditedClass& of : summary.by_class) {
    summary.expected_wrong += of.expected_wrong;
    summary.flagged += of.flagged;
  }
  summary.wrong_interval = audit.wrong_interval;
  summary.known = quality_of(audit, data);
  return summary;
}

Json to_json(const AuditSummary& summary, const Audit& audit, const Dataset& dataset) {
  const auto classes = static_cast<std::size_t>(dataset.num_classes());
  Json json{{"dataset", dataset.name},
            {"samples", summary.samples},
            {"judged_by", audit.model ? "label_model" : "mixture"},
            {"usable", audit.not_to_be_used.empty()},
            {"not_to_be_used", nullptr},
            {"expected_wrong", rounded(summary.expected_wrong)},
            {"expected_wrong_95",
             {rounded(summary.wrong_interval[0]), rounded(summary.wrong_interval[1])}},
            {"flagged", summary.flagged}};
  if (!audit.not_to_be_used.empty()) json["not_to_be_used"] = audit.not_to_be_used;
  json["label_model"] = nullptr;
  if (audit.model) {
    json["label_model"] = {{"temperature", rounded(audit.model->temperature)},
                           {"noise_rate", rounded(audit.model->noise_rate)},
                           {"learnt_noise", rounded(audit.model->learnt_noise)},
                           {"information", rounded(audit.model->information)},
                           {"prior_strength", rounded(audit.model->prior_strength)}};
  }
  json["by_class"] = classes_json(summary, dataset);
  json["joint_given_true"] = matrix_json(audit.joint, classes);
  json["transition_true_given"] = matrix_json(audit.transition, classes);
  json["known"] = summary.known ? quality_json(*summary.known) : Json(nullptr);
  return json;
}

}  // namespace bptplr
