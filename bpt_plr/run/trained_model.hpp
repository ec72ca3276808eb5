// Trained networks with what it takes to show them images without their data set.
#pragma once

#include <array>
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
  /// `model` is the folder of a run, whose networks then speak together, or one of its model files.
  /// Throws Error where something is missing or does not fit.
  TrainedModel(const std::filesystem::path& model, DeviceChoice device);

  /// The network in a safetensors file of any program: of the kind that the fields of `recipe`
  /// about networks and crops describe, with as many classes as the file says, for inputs that are
  /// normalised with mean and std. Throws Error where something is missing or does not fit.
  TrainedModel(const std::filesystem::path& file, Recipe recipe, const std::array<float, 3>& mean,
               const std::array<float, 3>& std, DeviceChoice device);

  TrainedModel(TrainedModel&&) = default;
  TrainedModel& operator=(TrainedModel&&) = default;

  const Networks& networks() const { return networks_; }
  const HeadConfig& heads() const { return networks_.front()->heads(); }
  /// The run's data set without its images: class names, none for a file of another program, and
  /// the sides of its images, 0 likewise.
  const Dataset& about() const { return about_; }

  /// What each network says about every image, in the test view; on the CPU.
  std::vector<Network::Output> outputs(const Images& images) const;
  /// softmax(mean of the networks' logits) [N, C]: the largest is the class that the test accuracy
  /// counts.
  Tensor probabilities(const Images& images) const;

 private:
  Recipe recipe_;
  Dataset about_;
  Networks networks_;
};

}  // namespace bptplr
