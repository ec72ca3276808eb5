#include "bpt_plr/run/trained_model.hpp"

#include <utility>

#include "bpt_plr/recipe/network.hpp"
#include "bpt_plr/recipe/resolve.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/view_maker.hpp"
#include "engine/error.hpp"
#include "engine/io/open_file.hpp"
#include "engine/io/safetensors.hpp"
#include "engine/ops.hpp"

namespace bptplr {
namespace {

namespace fs = std::filesystem;

/// Opens the run whose folder is `model` or that holds the file `model`.
RunFolder run_of(const fs::path& model) {
  if (!is_file(model)) return RunFolder::open(model);
  const fs::path folder = model.parent_path();
  return RunFolder::open(folder.empty() ? "." : folder);
}

/// Reads the number of classes from the shapes in a model file.
std::int64_t classes_in(const fs::path& file) {
  const TensorMap tensors = load_safetensors(file);
  const auto prototypes = tensors.find("prototypes");
  require(prototypes != tensors.end() && prototypes->second.shape().size() == 2,
          "{} holds no tensor 'prototypes' [classes, low_dim]; it belongs to another network",
          file.string());
  return prototypes->second.size(0);
}

}  // namespace

TrainedModel::TrainedModel(const fs::path& model, DeviceChoice device) {
  const RunFolder run = run_of(model);
  recipe_ = recipe_of_run(run, device);
  about_ = run.read_classes();
  require(about_.num_classes() == recipe_.num_class,
          "{}: config.json says {} classes, but classes.json names {}; both must be of one run",
          run.path().string(), recipe_.num_class, about_.num_classes());
  if (is_file(model)) {
    networks_.push_back(make_network(recipe_, 0));
    load_model(model, *networks_.back());
  } else {
    networks_ = load_networks(run, recipe_);
  }
}

TrainedModel::TrainedModel(const fs::path& file, Recipe recipe, std::vector<float> mean,
                           std::vector<float> std, DeviceChoice device)
    : recipe_(std::move(recipe)) {
  about_.mean = std::move(mean);
  about_.std = std::move(std);
  recipe_.device = device;
  recipe_.precision = Precision::kFloat32;
  recipe_.num_class = classes_in(file);
  resolve_network(recipe_);
  networks_.push_back(make_network(recipe_, 0));
  load_model(file, *networks_.back());
}

/// Returns samples as the run saw its own.
Split TrainedModel::as_trained_on(Split samples) const {
  samples.vectors.root = about_.train.vectors.root;
  return samples;
}

std::vector<Network::Output> TrainedModel::outputs(const Split& given) const {
  const Split samples = as_trained_on(given);
  const auto views = make_view_maker(recipe_, about_, samples);
  std::vector<Network::Output> outputs;
  for (const auto& network : networks_) {
    const Network::Output output = evaluate(*network, *views);
    outputs.push_back({output.logits.to(Device{}), output.projection.to(Device{})});
  }
  return outputs;
}

Tensor TrainedModel::probabilities(const Split& given) const {
  const Split samples = as_trained_on(given);
  const Tensor sum =
      summed_logits(pointers_to(networks_), *make_view_maker(recipe_, about_, samples));
  return softmax(scale(sum, 1.0 / static_cast<double>(networks_.size())));
}

}  // namespace bptplr
