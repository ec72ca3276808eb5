#include "apps/terminal/bench_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/device.hpp"
#include "kernels/device_memory.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kGiga = 1e9;
constexpr double kGib = 1U << 30U;

/// Returns work per second in units of 1e9; 0 without work.
double rate(double work, double seconds) {
  return seconds > 0.0 ? work / seconds / kGiga : 0.0;
}

/// Returns the least possible time as a share of the measured time.
double floor_share(double floor_seconds, double seconds) {
  return seconds > 0.0 ? floor_seconds / seconds : 0.0;
}

double images_per_s(const BenchmarkResult& result) {
  return static_cast<double>(result.samples_per_iteration()) / result.iteration_seconds;
}

std::string device_name(const Recipe& recipe) {
  return recipe.device == DeviceChoice::kCuda ? kernels::device_description(0)
                                              : fmt::format("cpu, {} threads", recipe.threads);
}

/// Formats a value; "-" for 0.
std::string figure(double value) {
  return value > 0.0 ? fmt::format("{:.4g}", value) : "-";
}

std::vector<std::pair<std::string, TimeShare>> longest_first(const TimeShares& shares) {
  std::vector<std::pair<std::string, TimeShare>> sorted(shares.begin(), shares.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.seconds > b.second.seconds;
  });
  return sorted;
}

void print_row(const std::string& name, const TimeShare& share, double total) {
  fmt::print("{:<26}{:>11.4g}{:>9.1f} %{:>11}{:>9}{:>9}\n", name, share.seconds,
             100.0 * share.seconds / total, figure(rate(share.work.operations, share.seconds)),
             figure(rate(share.work.bytes, share.seconds)),
             share.floor_seconds > 0.0
                 ? fmt::format("{:.0f} %", 100.0 * floor_share(share.floor_seconds, share.seconds))
                 : "-");
}

void print_shares(const char* title, const TimeShares& shares, const TimeShare& total) {
  fmt::print("\n{:<26}{:>11}{:>11}{:>11}{:>9}{:>9}\n", title, "seconds", "share", "GFLOP/s", "GB/s",
             "floor");
  for (const auto& [name, share] : longest_first(shares)) print_row(name, share, total.seconds);
  print_row("total", total, total.seconds);
}

/// Describes an iteration that takes `seconds`.
std::string describe_iteration(const BenchmarkResult& result, double seconds) {
  return fmt::format("{:.4g} s, {:.4g} images/s, {:.4g} GFLOP/s, floor {:.0f} %", seconds,
                     static_cast<double>(result.samples_per_iteration()) / seconds,
                     rate(result.iteration.work.operations, seconds),
                     100.0 * floor_share(result.iteration.floor_seconds, seconds));
}

Json to_json(const TimeShares& shares, double total) {
  Json list = Json::array();
  for (const auto& [name, share] : longest_first(shares)) {
    list.push_back({{"name", name},
                    {"calls_measured", share.calls},
                    {"seconds", share.seconds},
                    {"share", share.seconds / total},
                    {"gflop_per_s", rate(share.work.operations, share.seconds)},
                    {"gb_per_s", rate(share.work.bytes, share.seconds)},
                    {"floor_share", floor_share(share.floor_seconds, share.seconds)}});
  }
  return list;
}

Json to_json(const MeasuredStep& step) {
  Json json{{"name", step.name}, {"per_epoch", step.per_epoch}, {"paths", Json::object()}};
  for (const auto& [path, time] : step.paths) {
    json["paths"][path] = {{"calls", time.calls},
                           {"seconds", time.seconds},
                           {"own_seconds", time.own_seconds},
                           {"gflop", time.work.operations / kGiga},
                           {"gb", time.work.bytes / kGiga}};
  }
  return json;
}

Json options_json(const BenchmarkOptions& options) {
  const Recipe& recipe = options.recipe;
  return {{"arch", name_of(recipe.arch)},
          {"width", recipe.width},
          {"blocks", recipe.blocks},
          {"image_size", recipe.image_size},
          {"num_class", recipe.num_class},
          {"batch_size", recipe.batch_size},
          {"images", options.images},
          {"device", name_of(recipe.device)},
          {"device_name", device_name(recipe)},
          {"precision", name_of(recipe.precision)},
          {"threads", recipe.threads},
          {"iterations", options.iterations},
          {"warmup", options.warmup}};
}

void print_network(const Recipe& recipe) {
  fmt::print("network    {}, width {}{}, {} x {} pixels, {} classes\n", recipe.arch, recipe.width,
             recipe.blocks.empty() ? "" : ", blocks " + recipe.blocks, recipe.image_size,
             recipe.image_size, recipe.num_class);
}

double per_second(const RankBenchmarkResult& result) {
  return static_cast<double>(result.samples()) / result.seconds;
}

void print_seconds(const char* name, const RankSeconds& seconds) {
  fmt::print("{:<16}{:>12.4g}{:>12.4g}{:>12.4g}\n", name, seconds.least, seconds.mean,
             seconds.most);
}

/// Returns measured / expected; 0 where nothing is expected.
double ratio(double measured, double expected) {
  return expected > 0.0 ? measured / expected : 0.0;
}

void print_bytes(const char* name, double measured, double expected) {
  fmt::print("{:<16}{:>14.0f}{:>14.0f}{:>10}\n", name, measured, expected,
             expected > 0.0 ? fmt::format("{:.4f}", ratio(measured, expected)) : "-");
}

Json to_json(const RankSeconds& seconds) {
  return {{"least", seconds.least}, {"mean", seconds.mean}, {"most", seconds.most}};
}

Json bytes_json(double measured, double expected) {
  return {{"bytes", measured}, {"by_shapes", expected}, {"ratio", ratio(measured, expected)}};
}

}  // namespace

void print_tables(const BenchmarkResult& result) {
  const Recipe& recipe = result.options.recipe;
  print_network(recipe);
  fmt::print("device     {}, {}\n", device_name(recipe), recipe.precision);
  fmt::print("measured   {:.4g} GFLOP/s in a matrix product, {:.4g} GB/s in a copy\n",
             result.peaks.operations_per_s / kGiga, result.peaks.bytes_per_s / kGiga);
  fmt::print("iteration  batch {}: {}\n", recipe.batch_size,
             describe_iteration(result, result.iteration_seconds));
  if (result.graph_seconds) {
    fmt::print("as a graph {}\n", describe_iteration(result, *result.graph_seconds));
  }
  fmt::print("epoch      {} images, {} iterations: {:.4g} s\n", result.options.images,
             result.iterations_per_epoch, result.epoch.seconds);
  fmt::print("memory     {:.2f} GiB at most\n", static_cast<double>(result.peak_bytes) / kGib);
  print_shares("phase", result.phases, result.epoch);
  print_shares("family", result.families, result.epoch);
  fmt::print(
      "\nSeconds of an epoch, from {} iterations; floor: the least time for these operations and "
      "bytes\nat the measured rates, as a share of the time (docs/profiling.md).\n",
      result.options.iterations);
  fmt::print("iteration_s {:.6g} images_per_s {:.6g} epoch_s {:.6g} peak_gib {:.3f}\n",
             result.iteration_seconds, images_per_s(result), result.epoch.seconds,
             static_cast<double>(result.peak_bytes) / kGib);
}

nlohmann::ordered_json to_json(const BenchmarkResult& result) {
  Json json = options_json(result.options);
  json["peaks"] = {{"gflop_per_s", result.peaks.operations_per_s / kGiga},
                   {"gb_per_s", result.peaks.bytes_per_s / kGiga}};
  json["iteration"] = {
      {"seconds", result.iteration_seconds},
      {"graph_seconds", result.graph_seconds ? Json(*result.graph_seconds) : Json()},
      {"images_per_s", images_per_s(result)},
      {"gflop", result.iteration.work.operations / kGiga},
      {"gflop_per_s", rate(result.iteration.work.operations, result.iteration_seconds)},
      {"floor_share", floor_share(result.iteration.floor_seconds, result.iteration_seconds)}};
  json["epoch"] = {{"seconds", result.epoch.seconds}, {"iterations", result.iterations_per_epoch}};
  json["peak_memory_gib"] = static_cast<double>(result.peak_bytes) / kGib;
  json["phases"] = to_json(result.phases, result.epoch.seconds);
  json["families"] = to_json(result.families, result.epoch.seconds);
  json["steps"] = Json::array();
  for (const MeasuredStep& step : result.steps) json["steps"].push_back(to_json(step));
  return json;
}

void print_scaling_header(const std::string& size) {
  fmt::print("{:<11}{:>14}{:>12}{:>11}{:>9}{:>12}{:>14}{:>10}\n", size, "iteration s", "images/s",
             "GFLOP/s", "floor", "epoch s", "partition s", "GiB");
}

void print_scaling_line(std::int64_t value, const BenchmarkResult& result) {
  double partition = 0.0;
  for (const char* phase : {"sample losses", "gmm", "partition", "prototypes"}) {
    const auto found = result.phases.find(phase);
    if (found != result.phases.end()) partition += found->second.seconds;
  }
  const double seconds = result.graph_seconds.value_or(result.iteration_seconds);
  fmt::print("{:<11}{:>14.4g}{:>12.4g}{:>11.4g}{:>7.0f} %{:>12.4g}{:>14.4g}{:>10.2f}\n", value,
             seconds, static_cast<double>(result.samples_per_iteration()) / seconds,
             rate(result.iteration.work.operations, seconds),
             100.0 * floor_share(result.iteration.floor_seconds, seconds), result.epoch.seconds,
             partition, static_cast<double>(result.peak_bytes) / kGib);
}

void print_ranks(const RankBenchmarkResult& result) {
  const Recipe& recipe = result.options.recipe;
  print_network(recipe);
  fmt::print("device     {} rank{}, {}{}, {}\n", result.ranks, result.ranks == 1 ? "" : "s",
             result.ranks == 1 ? "" : "each ", device_name(recipe), recipe.precision);
  fmt::print("iteration  batch {}: {:.4g} s, {:.4g} images/s\n", recipe.batch_size, result.seconds,
             per_second(result));
  fmt::print("messages   {:.4g} an iteration\n", result.calls);
  fmt::print("\n{:<16}{:>12}{:>12}{:>12}\n", "seconds", "least", "mean", "most");
  print_seconds("computing", result.computing);
  print_seconds("communicating", result.communicating);
  print_seconds("waiting", result.waiting);
  const TrafficBytes& bytes = result.measured;
  const TrafficBytes& expected = result.by_shapes;
  fmt::print("\n{:<16}{:>14}{:>14}{:>10}\n", "bytes", "measured", "by shapes", "ratio");
  print_bytes("gathered", bytes.gathered, expected.gathered);
  print_bytes("summed", bytes.summed, expected.summed);
  fmt::print(
      "\nOf an iteration and a rank, from {} iterations; seconds are of others, in which ranks "
      "wait "
      "for\neach other at every message (docs/cluster.md).\n",
      result.options.iterations);
  if (result.ranks == 1) fmt::print("One rank: mpirun -n 4 bptplr bench --ranks starts four.\n");
  fmt::print(
      "ranks {} iteration_s {:.6g} images_per_s {:.6g} computing_s {:.6g} communicating_s {:.6g} "
      "waiting_s {:.6g} gathered {:.0f} summed {:.0f} ratio {:.4f}\n",
      result.ranks, result.seconds, per_second(result), result.computing.mean,
      result.communicating.mean, result.waiting.mean, bytes.gathered, bytes.summed,
      ratio(bytes.gathered + bytes.summed, expected.gathered + expected.summed));
}

nlohmann::ordered_json to_json(const RankBenchmarkResult& result) {
  Json json = options_json(result.options);
  json["sync_batch_norm"] = result.options.recipe.sync_batch_norm;
  json["ranks"] = result.ranks;
  json["iteration"] = {{"seconds", result.seconds},
                       {"images_per_s", per_second(result)},
                       {"computing", to_json(result.computing)},
                       {"communicating", to_json(result.communicating)},
                       {"waiting", to_json(result.waiting)},
                       {"messages", result.calls}};
  const TrafficBytes& bytes = result.measured;
  const TrafficBytes& expected = result.by_shapes;
  json["gathered"] = bytes_json(bytes.gathered, expected.gathered);
  json["summed"] = bytes_json(bytes.summed, expected.summed);
  json["total"] = bytes_json(bytes.gathered + bytes.summed, expected.gathered + expected.summed);
  return json;
}

}  // namespace bptplr
