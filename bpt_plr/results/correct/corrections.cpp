#include "bpt_plr/results/correct/corrections.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

/// Returns the class of this name; -1 if there is none.
std::int64_t class_named(const std::string& name, const Dataset& dataset) {
  const auto found = std::ranges::find(dataset.class_names, name);
  return found == dataset.class_names.end() ? -1 : found - dataset.class_names.begin();
}

std::string text_of(const Json& entry, const char* key) {
  return entry.contains(key) && entry[key].is_string() ? entry[key].get<std::string>() : "";
}

/// Returns the sample that an entry is about, with the label that it gets.
Correction correction_of(const Json& entry, const std::string& where, const TrainingData& data) {
  const std::string decision = text_of(entry, "decision");
  require(entry.is_object() && entry.contains("index") && entry["index"].is_number_integer() &&
              (decision == "accept" || decision == "reject"),
          "{}: no index with a decision, accept or reject; save the decisions of the page anew",
          where);
  const auto sample = entry["index"].get<std::int64_t>();
  const auto count = std::ssize(data.noisy_labels);
  require(sample >= 0 && sample < count,
          "{}: the index is {}, but the run has the training images 0 to {}: the decisions are of "
          "another run",
          where, sample, count - 1);
  const std::int64_t label = data.noisy_labels[static_cast<std::size_t>(sample)];
  const std::string& name = data.dataset.class_names[static_cast<std::size_t>(label)];
  require(text_of(entry, "given") == name,
          "{}: image {} is said to be labelled '{}', but the run has '{}': the decisions are of "
          "another run",
          where, sample, text_of(entry, "given"), name);
  if (decision == "reject") return {sample, label};
  const std::int64_t wanted = class_named(text_of(entry, "label"), data.dataset);
  require(wanted >= 0, "{}: '{}' is no class of the run; correct the label", where,
          text_of(entry, "label"));
  return {sample, wanted};
}

}  // namespace

std::vector<Correction> corrections_of(const Audit& audit, const TrainingData& data,
                                       double threshold) {
  const std::vector<std::int64_t> labels = corrected_labels(audit, data.noisy_labels, threshold);
  std::vector<Correction> corrections;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != data.noisy_labels[i]) {
      corrections.push_back({static_cast<std::int64_t>(i), labels[i]});
    }
  }
  return corrections;
}

std::vector<Correction> read_decisions(const std::filesystem::path& path,
                                       const TrainingData& data) {
  const std::string file = path.string();
  const Json json = parse_json_or_none(read_file(path));
  require(json.is_object() && json.contains("decisions") && json["decisions"].is_array(),
          "{}: no decisions as the page of an audit saves them; save them there anew", file);
  std::map<std::int64_t, Correction> by_sample;
  std::size_t number = 0;
  for (const Json& entry : json["decisions"]) {
    const std::string where = fmt::format("{}, decision {}", file, ++number);
    const Correction correction = correction_of(entry, where, data);
    const bool is_new = by_sample.emplace(correction.sample, correction).second;
    require(is_new, "{}: image {} has been decided on before; remove one", where,
            correction.sample);
  }
  std::vector<Correction> corrections;
  for (const auto& [sample, correction] : by_sample) {
    if (correction.label != data.noisy_labels[static_cast<std::size_t>(sample)]) {
      corrections.push_back(correction);
    }
  }
  return corrections;
}

}  // namespace bptplr
