// Network in training, with its optimizer and everything else a checkpoint stores of it.
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
  KeptOutputs kept;  ///< of the current epoch; undefined until it has been divided

  /// Creates network `index` (0 or 1) for a resolved recipe, trained by the ranks of `group`.
  Learner(const Recipe& recipe, int index, Communicator& group = Communicator::alone());

  /// Adds all state to `tensors`, on the CPU, as "network1.conv1.weight", "velocity1.conv1.weight"
  /// and, if `with_kept`, "kept1.logits", where 1 is `number`. Parameters and buffers are in
  /// PyTorch's layout.
  void save(int number, bool with_kept, TensorMap& tensors) const;

  /// Restores what `save` wrote, including `kept` if present. Throws Error naming a tensor that is
  /// missing or does not fit.
  void load(int number, const TensorMap& tensors);

 private:
  Device device_;
};

}  // namespace bptplr
