#include "bpt_plr/run_folder.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "data/noise.hpp"
#include "engine/error.hpp"
#include "engine/file.hpp"
#include "engine/safetensors.hpp"

namespace bptplr {
namespace {

constexpr const char* kConfig = "config.json";
constexpr const char* kNoise = "noise.json";
constexpr const char* kMetrics = "metrics.jsonl";

std::string model_name(int index) {
  return fmt::format("model{}.safetensors", index + 1);
}

}  // namespace

RunFolder RunFolder::create(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  // create_directories also fails where the folder exists under a name such as "runs/x/".
  require(std::filesystem::is_directory(path),
          "cannot make the folder {}: {}; choose another --out", path.string(),
          error ? error.message() : "a file of that name is in the way");
  check_unused(path);
  // Finds out now, not after an epoch of training, that nothing can be written.
  const std::filesystem::path probe = path / "probe";
  write_file_atomically(probe, "");
  std::filesystem::remove(probe, error);
  return RunFolder(path);
}

void RunFolder::check_unused(const std::filesystem::path& path) {
  for (const std::string& name : {std::string(kConfig), std::string(kMetrics), model_name(0)}) {
    require(!std::filesystem::exists(path / name),
            "{} holds the results of a run ({}); choose another --out or remove it", path.string(),
            name);
  }
}

RunFolder RunFolder::open(const std::filesystem::path& path) {
  require(std::filesystem::is_directory(path),
          "there is no folder {}; name the folder that `bptplr train` wrote to", path.string());
  require(std::filesystem::exists(path / kConfig),
          "{} holds no run: {} is missing; name the folder that `bptplr train` wrote to",
          path.string(), kConfig);
  return RunFolder(path);
}

void RunFolder::write_config(const Recipe& recipe) const {
  write_file_atomically(path_ / kConfig, to_json(recipe).dump(2) + "\n");
}

Recipe RunFolder::read_config() const {
  const std::string file = (path_ / kConfig).string();
  return compose_recipe(read_recipe(file), file, nlohmann::json::object());
}

void RunFolder::write_noise(std::span<const std::int64_t> labels) const {
  write_noise_file(path_ / kNoise, labels);
}

void RunFolder::append_metrics(const EpochMetrics& metrics) const {
  const std::filesystem::path file = path_ / kMetrics;
  std::ofstream stream(file, std::ios::app | std::ios::binary);
  stream << to_json(metrics).dump() + "\n" << std::flush;
  require(stream.good(), "cannot write {}: {}; free some space or choose another folder",
          file.string(), std::strerror(errno));
}

void RunFolder::write_model(int index, const Network& network) const {
  save_safetensors(path_ / model_name(index), network.named().state_dict());
}

void RunFolder::read_model(int index, Network& network) const {
  const std::filesystem::path file = path_ / model_name(index);
  try {
    network.named().load_state_dict(load_safetensors(file));
  } catch (const Error& error) {
    const std::string sentence = error.what();
    if (sentence.find(file.string()) != std::string::npos) throw;
    throw Error("{}: {}", file.string(), sentence);
  }
}

int RunFolder::num_models() const {
  int count = 0;
  while (std::filesystem::exists(path_ / model_name(count))) ++count;
  return count;
}

}  // namespace bptplr
