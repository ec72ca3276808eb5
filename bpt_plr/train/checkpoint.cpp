#include "bpt_plr/train/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "bpt_plr/recipe/builtin.hpp"
#include "bpt_plr/recipe/fields.hpp"
#include "bpt_plr/recipe/json.hpp"
#include "bpt_plr/train/checkpoint_format1.hpp"
#include "engine/error.hpp"
#include "engine/io/hash.hpp"
#include "engine/io/json.hpp"

namespace bptplr {
namespace {

using Json = nlohmann::json;

constexpr const char* kState = "bptplr_checkpoint";
constexpr const char* kChecksum = "checksum";
constexpr const char* kUnwritten = "unwritten";

/// Fields that may differ in a resumed run: paths of data, where to compute, what to print, and
/// when the run ends.
constexpr std::array<std::string_view, 17> kFree{
    "data_path",        "human_path", "noise_file",    "pretrained", "num_epochs",
    "device",           "cache_dir",  "image_memory",  "cuda_graph", "threads",
    "keep_checkpoints", "max_hours",  "deterministic", "out",        "cache_limit",
    "log_format",       "quiet"};

std::string_view bytes_of(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.raw()),
          static_cast<std::size_t>(tensor.numel()) * element_size(tensor.dtype())};
}

using Hash = std::uint64_t (*)(std::string_view bytes, std::uint64_t seed);

Hash hash_of_format(int format) {
  if (format == 1) return hash_bytes_format1;
  return hash_bytes;
}

/// Returns a hash of the complete content of a checkpoint, so that a change of any byte that
/// matters is detected.
std::string checksum(const std::string& state, const TensorMap& tensors, Hash hash_next) {
  std::uint64_t hash = hash_next(state, 0);
  for (const auto& [name, tensor] : tensors) {
    hash = hash_next(name, hash);
    hash = hash_next(to_string(tensor.dtype()) + to_string(tensor.shape()), hash);
    hash = hash_next(bytes_of(tensor), hash);
  }
  return fmt::format("{:016x}", hash);
}

Json state_of(const Checkpoint& checkpoint) {
  const Position& position = checkpoint.position;
  Json state{{"format", kCheckpointFormat},          {"epoch", position.epoch},
             {"network", position.network},          {"iteration", position.iteration},
             {"recipe", to_json(checkpoint.recipe)}, {"data_hash", checkpoint.data_hash},
             {"accuracies", checkpoint.accuracies},  {"loss_sums", checkpoint.loss_sums}};
  if (!checkpoint.unwritten_metrics.empty() || !checkpoint.unwritten_selection.empty()) {
    state[kUnwritten] = {checkpoint.unwritten_metrics, checkpoint.unwritten_selection};
  }
  return state;
}

Checkpoint from_state(const Json& state, const std::string& origin) {
  const Json& format = state.at("format");
  require(format == 1 || format == kCheckpointFormat,
          "{} is a checkpoint of format {}, but this bptplr reads formats 1 and {}; go on with the "
          "version that wrote it",
          origin, to_text(format), kCheckpointFormat);
  Checkpoint checkpoint;
  checkpoint.format = format;
  checkpoint.position = {state.at("epoch"), state.at("network"), state.at("iteration")};
  checkpoint.recipe = compose_recipe(state.at("recipe"), origin, Json::object());
  checkpoint.data_hash = state.at("data_hash");
  checkpoint.accuracies = state.at("accuracies").get<std::vector<double>>();
  checkpoint.loss_sums = state.at("loss_sums");
  if (state.contains(kUnwritten)) {
    checkpoint.unwritten_metrics = state[kUnwritten].at(0);
    checkpoint.unwritten_selection = state[kUnwritten].at(1);
  }
  return checkpoint;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  const std::string state = to_text(state_of(checkpoint));
  save_safetensors(
      path, checkpoint.tensors,
      {{kState, state},
       {kChecksum, checksum(state, checkpoint.tensors, hash_of_format(kCheckpointFormat))}});
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  Metadata metadata;
  TensorMap tensors = load_safetensors(path, &metadata);
  require(metadata.contains(kState), "{} is no checkpoint of bptplr, but some other tensors",
          path.string());
  const std::string& state = metadata[kState];
  // `state` holds the format, but is not to be trusted before its checksum has been verified.
  const auto has_checksum_of = [&](int format) {
    return metadata[kChecksum] == checksum(state, tensors, hash_of_format(format));
  };
  require(
      has_checksum_of(kCheckpointFormat) || has_checksum_of(1),
      "{} is damaged: its checksum is wrong; remove it, and training goes on from the checkpoint "
      "before",
      path.string());
  try {
    Checkpoint checkpoint = from_state(parse_json(state, path.string()), path.string());
    checkpoint.tensors = std::move(tensors);
    return checkpoint;
  } catch (const Json::exception& error) {
    throw Error(
        "{} is no checkpoint that this bptplr understands ({}); go on with the version that "
        "wrote it",
        path.string(), without_prefix(error.what()));
  }
}

void broadcast_checkpoint(Communicator& group, Checkpoint& checkpoint) {
  if (group.is_alone()) return;
  Json head{{"state", state_of(checkpoint)}, {"tensors", Json::array()}};
  head["state"]["format"] = checkpoint.format;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    head["tensors"].push_back({name, static_cast<int>(tensor.dtype()), tensor.shape()});
  }
  head = parse_json(group.broadcast(to_text(head)), "the checkpoint of rank 0");
  TensorMap tensors;
  for (const Json& of : head.at("tensors")) {
    const std::string name = of.at(0);
    Tensor tensor = group.is_first() ? checkpoint.tensors.at(name)
                                     : Tensor::empty(of.at(2).get<Shape>(),
                                                     static_cast<DType>(of.at(1).get<int>()));
    const std::string bytes = group.broadcast(std::string(bytes_of(tensor)));
    std::ranges::copy(bytes, static_cast<char*>(tensor.raw()));
    tensors.emplace(name, std::move(tensor));
  }
  if (!group.is_first()) checkpoint = from_state(head.at("state"), "the checkpoint of rank 0");
  checkpoint.tensors = std::move(tensors);
}

std::uint64_t hash_training_data(const TrainingData& data, int format) {
  const auto hash_values = [&](auto values, std::uint64_t seed) {
    const auto bytes = std::as_bytes(std::span(values));
    return hash_of_format(format)({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                                  seed);
  };
  const Split& train = data.dataset.train;
  const std::int64_t count = train.size();
  const std::array<std::int64_t, 3> sizes =
      train.has_vectors()
          ? std::array{count, train.vectors.dim, static_cast<std::int64_t>(train.vectors.type)}
          : std::array{count, std::int64_t{train.images.height}, std::int64_t{train.images.width}};
  std::uint64_t hash = hash_values(sizes, 0);
  hash = hash_values(data.noisy_labels, hash);
  // A few of the samples suffice, and are quick to read from disk.
  constexpr std::int64_t kSamples = 64;
  for (std::int64_t k = 0; k < std::min(kSamples, count); ++k) {
    hash = hash_values(train.sample(k * count / std::min(kSamples, count)), hash);
  }
  return hash;
}

void require_same_run(const Recipe& recipe, const Recipe& of_checkpoint,
                      const std::string& origin) {
  const Json now = to_json(recipe);
  const Json then = to_json(of_checkpoint);
  for (const RecipeField& field : recipe_fields()) {
    // With a second run in the recipe, the number of epochs decides which run an epoch belongs to.
    const bool decides = field.name == std::string_view("num_epochs") && !recipe.second_run.empty();
    if (std::ranges::find(kFree, field.name) != kFree.end() && !decides) continue;
    require(now.at(field.name) == then.at(field.name),
            "{} is {}, but the run in {} has {}; leave it out to go on with that run, or choose "
            "another --out",
            field.name, to_text(now.at(field.name)), origin, to_text(then.at(field.name)));
  }
}

}  // namespace bptplr
