// Predicts the classes of image files with a trained run. Needs no data set, only config.json,
// classes.json and the models.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bpt_plr/run/trained_model.hpp"
#include "data/images/find_images.hpp"
#include "data/load_report.hpp"

namespace bptplr {

struct Prediction {
  std::filesystem::path path;
  std::int64_t label = 0;              ///< class with the largest probability
  std::span<const float> probability;  ///< probability of each class
};

/// Calls `receive` for each file in order and returns the number of unreadable files left out.
/// Images are preprocessed as for the run's data set (test view). Probabilities are softmax(mean of
/// the networks' logits), so labels are those that the run's test accuracy counts. Reads one batch
/// at a time: memory does not grow with the number of files. Throws Error naming the first
/// unreadable file unless these are skipped (`report` is then told), when none is readable, and for
/// networks of features.
std::int64_t predict_files(const TrainedModel& model,
                           const std::vector<std::filesystem::path>& files, OnBadImage on_bad_image,
                           const LoadReport& report,
                           const std::function<void(const Prediction&)>& receive);

class Predictor {
 public:
  /// Loads the run in the folder `model`, or a single network if `model` is one of its model files.
  /// Throws Error where something is missing or does not fit.
  Predictor(const std::filesystem::path& model, DeviceChoice device);

  const std::vector<std::string>& class_names() const { return model_.about().class_names; }

  /// predict_files of this model.
  std::int64_t predict(const std::vector<std::filesystem::path>& files, OnBadImage on_bad_image,
                       const LoadReport& report,
                       const std::function<void(const Prediction&)>& receive) const {
    return predict_files(model_, files, on_bad_image, report, receive);
  }

 private:
  TrainedModel model_;
};

/// Returns the image files that `paths` name: files as given, folders with all images below them.
/// Throws Error naming a path that does not exist or a folder without images.
FoundImages find_image_files(const std::vector<std::string>& paths);

}  // namespace bptplr
