#include "bpt_plr/run/selection_points.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace bptplr {
namespace {

/// Returns min(count, most) indices below `count`, evenly spaced.
std::vector<std::int64_t> evenly_spaced(std::int64_t count, std::int64_t most) {
  const std::int64_t chosen = std::min(count, most);
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < chosen; ++i) places.push_back(i * count / chosen);
  return places;
}

template <class T>
std::vector<double> choose(std::span<const T> values, const std::vector<std::int64_t>& places) {
  std::vector<double> chosen;
  chosen.reserve(places.size());
  for (const std::int64_t i : places) {
    chosen.push_back(static_cast<double>(values[static_cast<std::size_t>(i)]));
  }
  return chosen;
}

/// Returns the values at `places`, none for an undefined tensor.
std::vector<double> choose(const Tensor& values, const std::vector<std::int64_t>& places) {
  if (!values.defined()) return {};
  const Tensor here = values.to(Device{});
  return choose<float>(here.span<float>(), places);
}

std::vector<double> rounded(std::vector<double> values, double digits) {
  for (double& value : values) value = std::round(value * digits) / digits;
  return values;
}

}  // namespace

SelectionPoints selection_points(const EpochMetrics& metrics, std::int64_t most) {
  const auto places = evenly_spaced(std::ssize(metrics.samples), most);
  SelectionPoints points;
  points.epoch = metrics.epoch;
  for (const std::int64_t i : places) {
    points.samples.push_back(metrics.samples[static_cast<std::size_t>(i)]);
  }
  for (const NetworkMetrics& network : metrics.networks) {
    points.networks.push_back({choose(network.evidence.first, places),
                               choose(network.evidence.second, places),
                               choose<double>(network.clean, places)});
  }
  return points;
}

nlohmann::ordered_json to_json(const SelectionPoints& points) {
  nlohmann::ordered_json json{{"epoch", points.epoch}, {"samples", points.samples}};
  json["networks"] = nlohmann::ordered_json::array();
  for (const NetworkPoints& network : points.networks) {
    json["networks"].push_back({{"classifier", rounded(network.classifier, 1e3)},
                                {"prototype", rounded(network.prototype, 1e3)},
                                {"clean", rounded(network.clean, 1e4)}});
  }
  return json;
}

}  // namespace bptplr
