#include "bpt_plr/train/learner.hpp"

#include "bpt_plr/recipe/network.hpp"
#include "engine/error.hpp"

namespace bptplr {
namespace {

/// Returns the tensors whose names begin with `prefix`, which is removed.
TensorMap without_prefix(const TensorMap& tensors, const std::string& prefix) {
  TensorMap part;
  for (auto it = tensors.lower_bound(prefix); it != tensors.end() && it->first.starts_with(prefix);
       ++it) {
    part.emplace(it->first.substr(prefix.size()), it->second);
  }
  return part;
}

const Tensor& find(const TensorMap& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  require(found != tensors.end(), "the checkpoint has no tensor '{}'; it is of another version",
          name);
  return found->second;
}

}  // namespace

Learner::Learner(const Recipe& recipe, int index, Communicator& group)
    : network(make_network(recipe, index)),
      optimizer(network->named().parameters(), recipe.momentum, recipe.weight_decay, group),
      device_(choose_device(recipe.device)) {}

void Learner::save(int number, bool with_kept, TensorMap& tensors) const {
  for (auto& [name, tensor] : network->named().state_dict()) {
    tensors.emplace(fmt::format("network{}.{}", number, name), tensor);
  }
  auto velocity = optimizer.velocity().begin();
  for (const NamedTensors::Entry& entry : network->named().entries()) {
    if (entry.kind == NamedTensors::Kind::kBuffer) continue;
    tensors.emplace(fmt::format("velocity{}.{}", number, entry.name), velocity->to(Device{}));
    ++velocity;
  }
  if (!with_kept || !kept.logits.defined()) return;
  const std::string prefix = fmt::format("kept{}.", number);
  tensors.emplace(prefix + "logits", kept.logits.to(Device{}));
  if (!kept.projection.defined()) return;
  tensors.emplace(prefix + "prototype_logits", kept.prototype_logits.to(Device{}));
  tensors.emplace(prefix + "projection", kept.projection.to(Device{}));
}

void Learner::load(int number, const TensorMap& tensors) {
  network->named().load_state_dict(without_prefix(tensors, fmt::format("network{}.", number)));
  auto velocity = optimizer.velocity().begin();
  for (const NamedTensors::Entry& entry : network->named().entries()) {
    if (entry.kind == NamedTensors::Kind::kBuffer) continue;
    velocity->copy_from(find(tensors, fmt::format("velocity{}.{}", number, entry.name)));
    ++velocity;
  }
  const TensorMap outputs = without_prefix(tensors, fmt::format("kept{}.", number));
  if (outputs.empty()) return;
  kept = {find(outputs, "logits").to(device_), {}, {}};
  if (!outputs.contains("projection")) return;
  kept.prototype_logits = find(outputs, "prototype_logits").to(device_);
  kept.projection = find(outputs, "projection").to(device_);
}

}  // namespace bptplr
