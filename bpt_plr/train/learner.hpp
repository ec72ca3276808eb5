// One of the networks in training, with all that a checkpoint has to hold of it.
#pragma once

#include <memory>
#include <string>

#include "bpt_plr/method/evidence.hpp"
#include "bpt_plr/recipe/recipe.hpp"
#include "engine/io/safetensors.hpp"
#include "engine/optimizer.hpp"
#include "models/network.hpp"

namespace bptplr {

struct Learner {
  std::unique_ptr<Network> network;
  Sgd optimizer;
  KeptOutputs kept;  ///< of the epoch under way; undefined until it has been divided

  /// index: 0 or 1. The recipe is a resolved one.
  Learner(const Recipe& recipe, int index);

  /// Adds everything to `tensors`, on the CPU, as "network1.conv1.weight",
  /// "velocity1.conv1.weight" and, where `with_kept`, "kept1.logits", 1 being `number`. Parameters
  /// and buffers are in PyTorch's layout.
  void save(int number, bool with_kept, TensorMap& tensors) const;

  /// Takes over what `save` wrote; `kept` where it is there. Throws Error naming a tensor that is
  /// missing or does not fit.
  void load(int number, const TensorMap& tensors);

 private:
  Device device_;
};

}  // namespace bptplr
