// Loads trained networks and applies them to samples without their data set.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "data/dataset.hpp"
#include "models/network.hpp"

namespace bptplr {

class TrainedModel {
 public:
  /// Loads all networks of a run if `model` is its folder (outputs are averaged), or one network if
  /// `model` is one of its model files. Throws Error where something is missing or does not fit.
  TrainedModel(const std::filesystem::path& model, DeviceChoice device);

  /// Loads a network from a safetensors file of any program. `recipe` describes network and crops,
  /// the file gives the number of classes; inputs are normalised with mean and std. Throws Error
  /// where something is missing or does not fit.
  TrainedModel(const std::filesystem::path& file, Recipe recipe, std::vector<float> mean,
               std::vector<float> std, DeviceChoice device);

  TrainedModel(TrainedModel&&) = default;
  TrainedModel& operator=(TrainedModel&&) = default;

  const Networks& networks() const { return networks_; }
  const Recipe& recipe() const { return recipe_; }
  const HeadConfig& heads() const { return networks_.front()->heads(); }
  /// Returns the run's data set without samples: class names, image sides or the length of vectors;
  /// for a file of another program there are no names and the sides are 0.
  const Dataset& about() const { return about_; }

  /// Returns the outputs of each network for every sample in the test view, on the CPU.
  std::vector<Network::Output> outputs(const Split& samples) const;
  /// Returns softmax(mean of the networks' logits) [N, C]; its argmax is the class that the test
  /// accuracy counts.
  Tensor probabilities(const Split& samples) const;

 private:
  Split as_trained_on(Split samples) const;

  Recipe recipe_;
  Dataset about_;
  Networks networks_;
};

}  // namespace bptplr
