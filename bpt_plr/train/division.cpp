#include "bpt_plr/train/division.hpp"

#include <utility>

#include "bpt_plr/method/ops.hpp"
#include "bpt_plr/train/evaluation.hpp"
#include "bpt_plr/train/sampler.hpp"
#include "engine/io/hash.hpp"
#include "engine/profile/range.hpp"

namespace bptplr {

KeptOutputs keep_outputs(const Recipe& recipe, Network& network, Network::Output output) {
  KeptOutputs kept{std::move(output.logits), {}, {}};
  if (!uses_prototypes(recipe)) return kept;
  kept.prototype_logits =
      prototype_logits(output.projection, network.prototypes(), recipe.proto_temperature);
  kept.projection = std::move(output.projection);
  return kept;
}

Divided divide(Parts& parts, std::span<const KeptOutputs* const> networks,
               const EpochSamples& samples, const EpochNumber& epoch) {
  const Range range("divide");
  Divided divided;
  divided.evidence = parts.statistic->update(epoch.of_run, networks, samples.noisy_labels);
  divided.divisions = parts.selection->divide({epoch.of_run, epoch.of_stage, samples.noisy_labels},
                                              divided.evidence);
  return divided;
}

void move_prototypes(Parts& parts, const Recipe& recipe, const KeptOutputs& source,
                     std::int64_t epoch_of_stage, Tensor& prototypes) {
  update_prototypes(source.projection, parts.pseudo_labels->choose(source, epoch_of_stage),
                    recipe.proto_momentum, prototypes);
}

std::uint64_t hash_divisions(std::span<const Division> divisions) {
  std::uint64_t hash = 0;
  const auto add = [&](const auto& values) {
    const auto bytes = std::as_bytes(std::span(values));
    hash = hash_bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, hash);
  };
  for (const Division& division : divisions) {
    add(division.partition.labelled);
    add(division.partition.unlabelled);
    add(division.weight);
  }
  return hash;
}

std::vector<std::string> small_set_warnings(const Recipe& recipe, const Division& division,
                                            std::int64_t epoch, std::int64_t network) {
  const Passes passes = plan_passes(recipe, division);
  std::vector<std::string> warnings;
  const auto check = [&](const char* name, std::int64_t size, std::int64_t batch) {
    if (size >= batch) return;
    warnings.push_back(fmt::format(
        "epoch {}: the {} set of network {} has {} samples, fewer than a batch of {}; training "
        "goes on with {}",
        epoch, name, network, size, batch, size == 0 ? "the other set alone" : "smaller batches"));
  };
  check("labelled", std::ssize(division.partition.labelled), passes.batch_x);
  check("unlabelled", std::ssize(division.partition.unlabelled), passes.batch_u);
  return warnings;
}

}  // namespace bptplr
