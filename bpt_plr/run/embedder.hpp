// Computes features of images by trained networks: what their heads see.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "bpt_plr/recipe/recipe.hpp"
#include "bpt_plr/run/trained_run.hpp"
#include "bpt_plr/train/pretrained.hpp"
#include "data/dataset.hpp"

namespace bptplr {

/// Fills in what weights of ImageNet are trained for, except for the fields that `given` has:
/// images of 256 pixels of which 224 are seen (other networks than ResNet-50 and VGG19-BN: 32),
/// turned upright, and the mean over VGG's map.
Recipe recipe_for_weights(Recipe recipe, const nlohmann::json& given);

class Embedder {
 public:
  /// Loads the networks of a run, whose features stand side by side, with its views. Throws Error
  /// where something is missing, or the run's samples are no images.
  Embedder(const std::filesystem::path& run, DeviceChoice device);
  /// Makes the network of a recipe and takes what fits of its `pretrained` file, as torchvision's
  /// weights want their images: normalised by the mean and deviation of ImageNet. Throws Error
  /// where nothing fits.
  explicit Embedder(Recipe recipe);

  /// Returns the number of features of an image.
  std::int64_t dim() const { return dim_; }
  /// Returns the side of the images that it takes; views crop what they want.
  int side() const { return side_; }
  const Recipe& recipe() const { return recipe_; }
  /// Returns what the network took from `pretrained`; empty for a run.
  const PretrainedReport& report() const { return report_; }
  /// Returns a hash of weights and views: features of another one are other features.
  std::uint64_t hash() const;
  /// Returns the features [n, dim] of images side x side, float32 on the CPU.
  Tensor embed(const Images& images) const;

 private:
  void measure();

  Recipe recipe_;
  Dataset about_;
  Networks networks_;
  PretrainedReport report_;
  int side_ = 0;
  std::int64_t dim_ = 0;
};

}  // namespace bptplr
