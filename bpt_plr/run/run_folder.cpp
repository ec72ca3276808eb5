#include "bpt_plr/run/run_folder.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <system_error>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "data/noise/noise.hpp"
#include "data/sets/features.hpp"
#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/json.hpp"
#include "engine/io/open_file.hpp"
#include "engine/io/safetensors.hpp"

namespace bptplr {
namespace {

constexpr const char* kConfig = "config.json";
constexpr const char* kClasses = "classes.json";
constexpr const char* kData = "data.csv";
constexpr const char* kNoise = "noise.json";
constexpr const char* kMetrics = "metrics.jsonl";
constexpr const char* kSelection = "selection.jsonl";
constexpr const char* kLock = "lock";
/// Metadata of a model file: epochs learnt.
constexpr const char* kEpochs = "epochs";

/// Largest side of an image that recipes allow.
constexpr int kMaxImageSide = 4096;

std::string model_name(int index) {
  return fmt::format("model{}.safetensors", index + 1);
}

struct EpochLine {
  std::string text;
  nlohmann::ordered_json json;  ///< an object with an integer "epoch"
};

/// Reads the complete lines of a file, if it exists; skips a line cut short by a killed process.
std::vector<EpochLine> read_lines(const std::filesystem::path& file) {
  std::vector<EpochLine> lines;
  if (!path_exists(file)) return lines;
  std::istringstream stream(read_file(file));
  for (std::string line; std::getline(stream, line);) {
    auto json = parse_ordered_json_or_none(line);
    if (!json.is_object() || !json.contains("epoch") || !json["epoch"].is_number_integer())
      continue;
    lines.push_back({line, std::move(json)});
  }
  return lines;
}

std::vector<nlohmann::ordered_json> json_of(std::vector<EpochLine> lines) {
  std::vector<nlohmann::ordered_json> json;
  json.reserve(lines.size());
  for (EpochLine& line : lines) json.push_back(std::move(line.json));
  return json;
}

}  // namespace

RunLock RunFolder::lock_if_free(const std::filesystem::path& path) {
  make_folders(path);
  std::optional<FileLock> lock = FileLock::if_free(path / kLock);
  if (!lock) return nullptr;
  // NFS may remember that there was no config.json; reading a folder makes it look again at what
  // another machine has written there.
  static_cast<void>(names_in_folder(path));
  return std::make_shared<const FileLock>(std::move(*lock));
}

std::string RunFolder::holder(const std::filesystem::path& path) {
  return lock_holder(path / kLock);
}

RunFolder RunFolder::create(const std::filesystem::path& path, RunLock lock) {
  make_folders(path);
  if (lock == nullptr) lock = std::make_shared<const FileLock>(path / kLock);
  check_unused(path);
  // A folder that cannot be written to must fail now, not after an epoch of training.
  const std::filesystem::path probe = path / "probe";
  write_file_atomically(probe, "");
  std::error_code error;
  std::filesystem::remove(probe, error);
  return RunFolder(path, std::move(lock));
}

RunFolder RunFolder::resume(const std::filesystem::path& path, RunLock lock) {
  RunFolder folder = open(path);
  folder.lock_ = lock != nullptr ? std::move(lock) : std::make_shared<const FileLock>(path / kLock);
  return folder;
}

bool RunFolder::exists(const std::filesystem::path& path) {
  return path_exists(path / kConfig);
}

void RunFolder::check_unused(const std::filesystem::path& path) {
  for (const std::string& name :
       {std::string(kConfig), std::string(kMetrics), std::string(kSelection), model_name(0)}) {
    require(!path_exists(path / name),
            "{} holds the results of a run ({}); choose another --out or remove it", path.string(),
            name);
  }
}

RunFolder RunFolder::open(const std::filesystem::path& path) {
  require(is_folder(path), "there is no folder {}; name the folder that `bptplr train` wrote to",
          path.string());
  require(path_exists(path / kConfig),
          "{} holds no run: {} is missing; name the folder that `bptplr train` wrote to",
          path.string(), kConfig);
  return RunFolder(path);
}

void RunFolder::write_config(const Recipe& recipe) const {
  write_file_atomically(path_ / kConfig, to_text(to_json(recipe), 2) + "\n");
}

Recipe RunFolder::read_config() const {
  const std::string file = (path_ / kConfig).string();
  return compose_recipe(read_recipe(file), file, nlohmann::json::object());
}

void RunFolder::write_classes(const Dataset& dataset) const {
  nlohmann::ordered_json json{{"dataset", dataset.name},
                              {"classes", dataset.class_names},
                              {"mean", dataset.mean},
                              {"std", dataset.std}};
  if (dataset.train.has_vectors()) {
    json["feature_dim"] = dataset.train.vectors.dim;
    json["square_root"] = dataset.train.vectors.root;
  } else {
    json["image_side"] = dataset.train.images.height;
  }
  write_file_atomically(path_ / kClasses, to_text(json, 2) + "\n");
}

Dataset RunFolder::read_classes() const {
  const std::filesystem::path file = path_ / kClasses;
  require(path_exists(file),
          "{} is missing, so the names of the classes are not known; train again with this version",
          file.string());
  const std::string text = read_file(file);
  Dataset dataset;
  int side = 0;
  std::int64_t dim = 0;
  bool root = false;
  try {
    const auto json = parse_json(text, file.string());
    json.at("dataset").get_to(dataset.name);
    json.at("classes").get_to(dataset.class_names);
    json.at("mean").get_to(dataset.mean);
    json.at("std").get_to(dataset.std);
    dim = json.value("feature_dim", std::int64_t{0});
    root = json.value("square_root", false);
    if (dim == 0) json.at("image_side").get_to(side);
  } catch (const nlohmann::json::exception& error) {
    throw Error("{} is not what a run writes ({}); train again", file.string(),
                without_prefix(error.what()));
  }
  const std::size_t channels = dim == 0 ? 3 : static_cast<std::size_t>(dim);
  require(dim >= 0 && dim <= kMaxFeatures && dataset.mean.size() == channels &&
              dataset.std.size() == channels,
          "{}: feature_dim is {}, with {} means and {} deviations; train again", file.string(), dim,
          dataset.mean.size(), dataset.std.size());
  require(dim > 0 || (side >= 1 && side <= kMaxImageSide),
          "{}: image_side is {}, but must lie in 1 to {}", file.string(), side, kMaxImageSide);
  for (Split* split : {&dataset.train, &dataset.test}) {
    split->vectors.dim = dim;
    split->vectors.root = root;
    split->images.height = side;
    split->images.width = side;
  }
  return dataset;
}

void RunFolder::write_data_record(const DataRecord& record) const {
  write_file_atomically(path_ / kData, to_csv(record));
}

std::optional<DataRecord> RunFolder::read_data_record() const {
  const std::filesystem::path file = path_ / kData;
  if (!path_exists(file)) return {};
  return parse_data_record(read_file(file), file.string());
}

void RunFolder::write_noise(std::span<const std::int64_t> labels) const {
  write_noise_file(noise_file(), labels);
}

std::filesystem::path RunFolder::noise_file() const {
  return path_ / kNoise;
}

RunLog RunFolder::metrics_log() const {
  return RunLog(path_ / kMetrics);
}

RunLog RunFolder::selection_log() const {
  return RunLog(path_ / kSelection);
}

std::vector<nlohmann::ordered_json> RunFolder::read_metrics() const {
  return json_of(read_lines(path_ / kMetrics));
}

std::vector<nlohmann::ordered_json> RunFolder::read_selection() const {
  return json_of(read_lines(path_ / kSelection));
}

void RunFolder::rewind(std::int64_t epoch) const {
  for (const char* file : {kMetrics, kSelection}) {
    if (!path_exists(path_ / file)) continue;
    std::string kept;
    for (const EpochLine& line : read_lines(path_ / file)) {
      if (line.json["epoch"] < epoch) kept += line.text + "\n";
    }
    write_file_atomically(path_ / file, kept);
  }
}

void RunFolder::write_models(const Trainer& trainer, std::int64_t epochs) const {
  for (int i = 0; i < trainer.num_networks(); ++i) write_model(i, trainer.network(i), epochs);
}

void RunFolder::write_model(int index, const Network& network, std::int64_t epochs) const {
  save_safetensors(path_ / model_name(index), network.named().state_dict(),
                   {{kEpochs, std::to_string(epochs)}});
}

std::int64_t RunFolder::models_epochs() const {
  std::string common;
  for (int i = 0; i < num_models(); ++i) {
    Metadata metadata;
    try {
      load_safetensors(path_ / model_name(i), &metadata);
    } catch (const Error&) {
      return 0;
    }
    if (i > 0 && metadata[kEpochs] != common) return 0;
    common = metadata[kEpochs];
  }
  return std::strtoll(common.c_str(), nullptr, 10);
}

std::filesystem::path RunFolder::set_aside() const {
  std::filesystem::path folder;
  for (int number = 1; folder.empty() || path_exists(folder); ++number) {
    folder = path_ / fmt::format("before_restart_{}", number);
  }
  make_folders(folder);
  std::vector<std::string> names{kMetrics, kSelection};
  for (int i = 0; i < num_models(); ++i) names.push_back(model_name(i));
  for (const std::string& name : names) {
    if (!path_exists(path_ / name)) continue;
    std::error_code error;
    std::filesystem::rename(path_ / name, folder / name, error);
    require(!error, "cannot move {} to {}: {}; check the permissions of the folder",
            (path_ / name).string(), folder.string(), error.message());
  }
  return folder;
}

void RunFolder::read_model(int index, Network& network) const {
  load_model(path_ / model_name(index), network);
}

int RunFolder::num_models() const {
  int count = 0;
  while (path_exists(path_ / model_name(count))) ++count;
  return count;
}

void load_model(const std::filesystem::path& file, Network& network) {
  try {
    network.named().load_state_dict(load_safetensors(file));
  } catch (const Error& error) {
    const std::string sentence = error.what();
    if (sentence.find(file.string()) != std::string::npos) throw;
    throw Error("{}: {}", file.string(), sentence);
  }
}

}  // namespace bptplr
