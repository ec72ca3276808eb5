// What a trained run makes of image files that it has never seen. Needs no data set: config.json,
// classes.json and the models say all.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/run/trained_model.hpp"
#include "data/load_report.hpp"

namespace bptplr {

struct Prediction {
  std::filesystem::path path;
  std::int64_t label = 0;              ///< the class with the largest probability
  std::span<const float> probability;  ///< of each class
};

class Predictor {
 public:
  /// `model` is the folder of a run, or one of its model files, whose network is then asked alone.
  /// Throws Error where something is missing or does not fit.
  Predictor(const std::filesystem::path& model, DeviceChoice device);

  const std::vector<std::string>& class_names() const { return model_.about().class_names; }

  /// Hands each file's prediction to `receive`, in the order of the files, and returns how many
  /// were left out as unreadable. Images are made as for the run's data set and seen in the test
  /// view; probabilities are softmax(mean of the networks' logits), so that labels are those that
  /// the test accuracy of the run counts. Files are read a batch at a time: memory does not grow
  /// with their number. Throws Error naming the first unreadable file unless they are skipped (then
  /// `report` is told), and when none is readable.
  std::int64_t predict(const std::vector<std::filesystem::path>& files, OnBadImage on_bad_image,
                       const LoadReport& report,
                       const std::function<void(const Prediction&)>& receive);

 private:
  TrainedModel model_;
};

/// The image files that `paths` mean: files as they are named, folders with all below them. Throws
/// Error naming the path that is not there, or a folder without an image.
std::vector<std::filesystem::path> find_image_files(const std::vector<std::string>& paths);

}  // namespace bptplr
